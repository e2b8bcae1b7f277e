-- nack: the attempts failed; try again after the backoff, or give up.
-- uses:    lib moves verdict
-- states:  leased -> retrying, leased -> dead, leased -> cancelled, ready -> retrying, ready -> dead, ready -> cancelled
-- keys:    meta (hash), j:<id> (hash), a:<id> (list), q:<queue>:{leased,ready,retrying,dead,cancelled,expiring} (zset), agenda (zset)
-- args:    run id, number of items; an item: id, token (16 bytes each), error, retryable ('1' or ''), delay in ms or '', jitter in 0..1
-- returns: per item: status, state, attempt, run_at in unix ms or '', deadline in unix ms or ''
-- flags:   allow-oom
-- cost:    O(log n) per item

-- The wait after run number `attempt`; the rule is domain/retry.py. `policy`: backoff initial_ms factor max_ms jitter, '-' for a default.
local function wait_ms(policy, attempt, random)
    local backoff, initial, factor, cap, jitter = string.match(policy or '- - - - -', '(%S+) (%S+) (%S+) (%S+) (%S+)')
    initial = tonumber(initial) or DEFAULTS.initial_ms
    if backoff == '-' then backoff = DEFAULTS.backoff end
    if jitter == '-' then jitter = DEFAULTS.jitter end
    local wait = initial
    if backoff == 'exponential' then
        wait = initial * (tonumber(factor) or DEFAULTS.factor) ^ math.min(attempt - 1, 64)
    elseif backoff == 'linear' then
        wait = initial * attempt
    end
    wait = math.min(wait, tonumber(cap) or DEFAULTS.max_ms)
    return math.floor(jitter == '1' and wait * random or wait)
end

return settle('nack', 6, {'ma', 'rp', 'dl', 'st', 'w'}, function(job, rev, item)
    record_attempt(job, 'nack', item[3])
    local fields = {'ks', settled_tokens('nack', job, item[2]), 'rs'}
    if item[4] ~= '1' or job.at >= job.ma then
        fields[4] = item[4] ~= '1' and 'not_retryable' or 'max_attempts'
        return finish(job, 'dead', rev, fields)
    end
    local run_ms = now + (tonumber(item[5]) or wait_ms(job.rp, job.at, tonumber(item[6])))
    if job.ex and run_ms >= job.ex then
        fields[4] = 'expired'
        return finish(job, 'cancelled', rev, fields)
    end
    job.at = job.at + 1
    fields[3], fields[4], fields[5], fields[6] = 'at', text(job.at), 'k', ''
    postpone(job, 'retrying', run_ms, rev, fields)
end)
