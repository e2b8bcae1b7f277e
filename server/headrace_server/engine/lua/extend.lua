-- extend: keep the leases longer; never shortens one.
-- uses:    lib settings lanes options moves verdict
-- states:  leased -> leased
-- keys:    meta (hash), j:<id> (hash), q:<queue>:leased (zset), agenda (zset)
-- args:    run id, number of items; an item: id, token (16 bytes each), lease in ms or '' (the length first given)
-- returns: per item: status, state, attempt, '', deadline in unix ms or ''
-- flags:   allow-oom
-- cost:    O(log n) per item

return settle('extend', 3, {'ll'}, function(job, rev, item)
    job.deadline = math.max(job.deadline, now + (tonumber(item[3]) or job.ll))
    move(job, 'leased', job.deadline, rev, {})
end)
