-- snooze: again after a while; no limit is touched.
-- uses:    lib settings cells tallies lanes runs options moves verdict
-- states:  leased -> scheduled, leased -> cancelled, ready -> scheduled
-- keys:    meta (hash), j:<id> (hash), q:<queue>:{leased,ready,scheduled,cancelled,expiring} (zset), agenda (zset)
-- args:    run id, number of items; an item: id, token (16 bytes each), delay in ms, reason or '', checkpoint or ''
-- returns: per item: status, state, attempt, run_at in unix ms or '', deadline in unix ms or '', and '1' if it is to end
-- flags:   allow-oom
-- cost:    O(log n) per item

return settle('snooze', 5, {}, function(job, rev, item)
    local fields = settled_by('snooze', job, item[2])
    if item[5] ~= '' then fields[3], fields[4] = 'ck', item[5] end
    if ended_as_asked(job, rev, fields) then return end
    if item[4] ~= '' then fields[#fields + 1], fields[#fields + 2] = 'rs', item[4] end
    postpone(job, 'scheduled', now + tonumber(item[3]), rev, fields)
end)
