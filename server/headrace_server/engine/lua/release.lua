-- release: back to their place in the queue; no limit is touched.
-- uses:    lib places deliveries settings cells tallies lanes runs options loading moves verdict
-- states:  leased -> ready, leased -> cancelled, ready -> ready
-- keys:    meta (hash), j:<id> (hash), q:<queue>:{leased,ready,cancelled,expiring} (zset), agenda (zset)
-- args:    run id, number of items; an item: id, token (16 bytes each), reason
-- returns: per item, in one text: status, state, attempt, '', deadline in unix ms or '', and '1' if it is to end or ''
-- flags:   allow-oom
-- cost:    O(log n) per item

return settle('release', 3, {}, function(job, rev, at)
    local fields = settled_by('release', job, ARGV[at])
    if ended_as_asked(job, rev, fields) then return end
    if ARGV[at + 1] ~= '' then fields[3], fields[4] = 'rs', ARGV[at + 1] end
    move(job, 'ready', place_of(job), rev, fields)
end)
