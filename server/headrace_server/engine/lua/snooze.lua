-- snooze: again after a while; no limit is touched.
-- uses:    lib places deliveries settings cells tallies lanes runs options loading moves verdict
-- states:  leased -> scheduled, leased -> cancelled, ready -> scheduled
-- keys:    meta (hash), j:<id> (hash), q:<queue>:{leased,ready,scheduled,cancelled,expiring} (zset), agenda (zset)
-- args:    run id, number of items; an item: id, token (16 bytes each), delay in ms, reason or '', checkpoint or ''
-- returns: per item, in one text: status, state, attempt, run_at in unix ms or '', deadline in unix ms or '', and '1' if it is to end or ''
-- flags:   allow-oom
-- cost:    O(log n) per item

return settle('snooze', 5, {}, function(job, rev, at)
    local fields = settled_by('snooze', job, ARGV[at])
    if ARGV[at + 3] ~= '' then fields[3], fields[4] = 'ck', ARGV[at + 3] end
    if ended_as_asked(job, rev, fields) then return end
    if ARGV[at + 2] ~= '' then fields[#fields + 1], fields[#fields + 2] = 'rs', ARGV[at + 2] end
    postpone(job, 'scheduled', now + tonumber(ARGV[at + 1]), rev, fields)
end)
