-- snooze: again after a while; no limit is touched.
-- uses:    lib settings lanes options moves verdict
-- states:  leased -> scheduled, ready -> scheduled
-- keys:    meta (hash), j:<id> (hash), q:<queue>:{leased,ready,scheduled,expiring} (zset), agenda (zset)
-- args:    run id, number of items; an item: id, token (16 bytes each), delay in ms
-- returns: per item: status, state, attempt, run_at in unix ms or '', deadline in unix ms or ''
-- flags:   allow-oom
-- cost:    O(log n) per item

return settle('snooze', 3, {'rs'}, function(job, rev, item)
    local fields = {'ks', settled_tokens('snooze', job, item[2]), 'k', ''}
    postpone(job, 'scheduled', now + tonumber(item[3]), rev, fields, job.rs and {'rs'})
end)
