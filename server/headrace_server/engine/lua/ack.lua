-- ack: the jobs are done.
-- uses:    lib settings cells tallies lanes runs options moves verdict
-- states:  leased -> succeeded, ready -> succeeded
-- keys:    meta (hash), j:<id> (hash), q:<queue>:{leased,ready,succeeded,expiring,results} (zset), agenda (zset)
-- args:    run id, number of items; an item: id, token (16 bytes each), has a result ('1' or ''), result,
--          format (json | msgpack | a media type), how long it is kept in ms or ''
-- returns: per item: status, state, attempt, '', deadline in unix ms or '', and '1' if it is to end
-- flags:   allow-oom
-- cost:    O(log n) per item

-- A result that ends before its job's record does.
local function end_result(job, ttl_ms)
    if ttl_ms >= resolve(job.re, job.q, 'succeeded_retention_ms') then return end
    set_option(job, 'v')
    redis.call('ZADD', set_key(job.q, 'results'), text(now + ttl_ms), job.id)
    plan('results', job.q, now + ttl_ms)
end

return settle('ack', 6, {'t', 'st', 'ca', 'ro'}, function(job, rev, item)
    observe(task_of(job), RUN, now - job.st)
    local fields = settled_by('ack', job, item[2])
    local ttl_ms = tonumber(item[6]) or resolve(job.rl, job.q, 'result_ttl_ms')
    if item[3] == '1' and ttl_ms ~= 0 then
        fields[3], fields[4] = 'r', item[4]
        if item[5] ~= 'json' then fields[5], fields[6] = 'rt', item[5] end
        if ttl_ms then end_result(job, ttl_ms) end
    end
    finish(job, 'succeeded', rev, fields)
end)
