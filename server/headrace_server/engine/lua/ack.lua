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
    local task, settled = task_of(job), settled_tokens('ack', job, ARGV[at])
    observe(task, RUN, now - ms_of(started(job)))
    local ttl_ms = ARGV[at + 1] == '1' and (tonumber(ARGV[at + 4]) or resolve(job.rl, job.q, 'result_ttl_ms'))
    if ARGV[at + 1] ~= '1' or ttl_ms == 0 then return finish(job, 'succeeded', rev, 'ks', settled) end
    if ttl_ms then end_result(job, ttl_ms) end
    local result, format = ARGV[at + 2], ARGV[at + 3]
    if format == 'json' then return finish(job, 'succeeded', rev, 'ks', settled, 'r', result) end
    finish(job, 'succeeded', rev, 'ks', settled, 'r', result, 'rt', format)
end)
