-- ack: the jobs are done.
-- uses:    lib places deliveries settings cells tallies lanes runs options loading moves verdict
-- states:  leased -> succeeded, ready -> succeeded
-- keys:    meta (hash), j:<id> (hash), q:<queue>:{leased,ready,succeeded,expiring,results} (zset), agenda (zset)
-- args:    run id, number of items; an item: id, token (16 bytes each), has a result ('1' or ''), result,
--          format (json | msgpack | a media type), how long it is kept in ms or ''
-- returns: per item, in one text: status, state, attempt, '', deadline in unix ms or '', and '1' if it is to end or ''
-- flags:   allow-oom
-- cost:    O(log n) per item

-- A result that ends before its job's record does.
local function end_result(job, ttl_ms)
    if ttl_ms >= resolve(job.re, job.q, 'succeeded_retention_ms') then return end
    set_option(job, 'v')
    lay(set_key(job.q, 'results'), now + ttl_ms, job.id)
    plan('results', job.q, now + ttl_ms)
end

return settle('ack', 6, {}, function(job, rev, at)
    observe(task_of(job), RUN, now - ms_of(started(job)))
    local fields = settled_by('ack', job, ARGV[at])
    local ttl_ms = tonumber(ARGV[at + 4]) or resolve(job.rl, job.q, 'result_ttl_ms')
    if ARGV[at + 1] == '1' and ttl_ms ~= 0 then
        fields[3], fields[4] = 'r', ARGV[at + 2]
        if ARGV[at + 3] ~= 'json' then fields[5], fields[6] = 'rt', ARGV[at + 3] end
        if ttl_ms then end_result(job, ttl_ms) end
    end
    finish(job, 'succeeded', rev, fields)
end)
