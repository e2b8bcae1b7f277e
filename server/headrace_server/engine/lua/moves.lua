-- moves: loads a job and moves it between the structures that are its state; uses lib.

local FIELDS = {'q', 's', 'k', 'ks', 'sc', 'at', 'ma', 'dl', 'cr', 'mc', 'ex', 're', 'fe', 'wt', 'st', 'w', 'll', 'rp', 'rs', 'ru'}
local RETENTION = {
    succeeded = DEFAULTS.succeeded_retention_ms,
    dead = DEFAULTS.dead_retention_ms,
    cancelled = DEFAULTS.cancelled_retention_ms,
}
local OPEN = {ready = true, scheduled = true, retrying = true} -- nobody holds it, and it may expire

-- Load what the rules look at; job.s is false for an unknown id.
local function load(id)
    local values = redis.call('HMGET', job_key(id), unpack(FIELDS))
    local job = {id = id}
    for i, name in ipairs(FIELDS) do job[name] = values[i] end
    for _, name in ipairs({'sc', 'ex', 're', 'wt', 'll', 'st'}) do job[name] = tonumber(job[name]) end
    job.at, job.dl, job.cr = tonumber(job.at) or 1, tonumber(job.dl) or 0, tonumber(job.cr) or 0
    job.ma = tonumber(job.ma) or DEFAULTS.max_attempts
    job.mc = tonumber(job.mc) or DEFAULTS.max_crashes
    job.run_ms = tonumber(job.ru) -- while it waits
    if job.s == 'leased' then job.deadline = tonumber(redis.call('ZSCORE', set_key(job.q, 'leased'), id)) end
    return job
end

-- Move a job to a state's structure at a score; `fields` is a flat list for HSET, `drop` lists fields to delete.
local function move(job, state, score, rev, fields, drop)
    redis.call('ZREM', set_key(job.q, job.s), job.id)
    redis.call('ZADD', set_key(job.q, state), text(score), job.id)
    if job.ex and OPEN[job.s] and not OPEN[state] then redis.call('ZREM', set_key(job.q, 'expiring'), job.id) end
    if job.ex and OPEN[state] then
        redis.call('ZADD', set_key(job.q, 'expiring'), text(job.ex), job.id)
        plan('expire', job.q, job.ex)
    end
    redis.call('HSET', job_key(job.id), 's', state, 'rv', text(rev), unpack(fields))
    if drop and #drop > 0 then redis.call('HDEL', job_key(job.id), unpack(drop)) end
    if state == 'ready' then wake(job.q) end
    if job.wt and now < job.wt then watched[job.id] = true end
    job.s = state
end

-- To a final state, until its prune time; `fields` as in move.
local function finish(job, state, rev, fields)
    local prune_ms = now + (job.re or RETENTION[state])
    fields[#fields + 1], fields[#fields + 2] = 'ft', text(now)
    move(job, state, prune_ms, rev, fields, {'k', 'ru'})
    plan('prune', job.q, prune_ms)
end

-- To scheduled or retrying, until run_ms.
local function postpone(job, state, run_ms, rev, fields, drop)
    fields[#fields + 1], fields[#fields + 2] = 'ru', text(run_ms)
    move(job, state, run_ms, rev, fields, drop)
    plan('promote', job.q, run_ms)
    job.run_ms = run_ms
end

-- The place in line: higher priority first, then the order of revs. Below 2^53 while rev < 2^44.
local function ready_score(priority, rev) return (255 - priority) * 17592186044416 + rev end

-- Keep one failed attempt: a line of facts, then the error's bytes as they came.
local function record_attempt(job, kind, err)
    local worker = (job.w and job.w ~= '') and job.w or '-'
    local facts = {text(job.at), text(job.dl), text(job.st or 0), text(now), kind, worker}
    redis.call('RPUSH', attempts_key(job.id), table.concat(facts, ' ') .. '\n' .. err)
    redis.call('LTRIM', attempts_key(job.id), -DEFAULTS.attempts_kept, -1)
    redis.call('HSET', job_key(job.id), 'er', '1')
end
