-- extend: keep the leases longer, never shorter, and note what the workers say of their progress.
-- uses:    lib places deliveries settings cells tallies lanes runs options loading moves verdict
-- states:  leased -> leased
-- keys:    meta (hash), j:<id> (hash), q:<queue>:leased (zset), agenda (zset)
-- args:    run id, number of items; an item: id, token (16 bytes each), lease in ms or '' (the length first given),
--          progress or '', checkpoint or ''
-- returns: per item, in one text: status, state, attempt, '', deadline in unix ms or '', and '1' if it is to end or ''
-- flags:   allow-oom
-- cost:    O(log n) per item

return settle('extend', 5, {}, function(job, rev, at)
    local _, _, length_ms, end_ms = lease_facts(job.grant)
    local until_ms = now + tonumber(ARGV[at + 1] ~= '' and ARGV[at + 1] or length_ms)
    job.deadline = math.max(job.deadline, math.min(until_ms, tonumber(end_ms) or until_ms))
    local fields = {'k', prolonged(job.grant, time_text(job.deadline))}
    if ARGV[at + 2] ~= '' then fields[3], fields[4] = 'pg', ARGV[at + 2] end
    if ARGV[at + 3] ~= '' then fields[#fields + 1], fields[#fields + 2] = 'ck', ARGV[at + 3] end
    move(job, 'leased', job.deadline, rev, fields)
end)
