-- moves: loads a job and moves it between the structures that are its state; uses lib.

local RETENTION = {
    succeeded = DEFAULTS.succeeded_retention_ms,
    dead = DEFAULTS.dead_retention_ms,
    cancelled = DEFAULTS.cancelled_retention_ms,
}
local OPEN = {ready = true, scheduled = true, retrying = true} -- nobody holds it, and it may expire

-- The fields that every rule looks at; a verb names those that its own rule needs beside them. Reading a field of a
-- small hash costs a walk through it, so no verb reads more.
local function with(...)
    local names = {...}
    for _, name in ipairs({'q', 's', 'k', 'at', 'ex', 're', 'wt', 'ru'}) do names[#names + 1] = name end
    return names
end

-- Give the numbers of a loaded job their type and their defaults.
local function typed(job)
    job.sc, job.ex, job.re, job.wt = tonumber(job.sc), tonumber(job.ex), tonumber(job.re), tonumber(job.wt)
    job.ll, job.st, job.run_ms = tonumber(job.ll), tonumber(job.st), tonumber(job.ru) -- ru: only while it waits
    job.at, job.dl, job.cr = tonumber(job.at) or 1, tonumber(job.dl) or 0, tonumber(job.cr) or 0
    job.ma = tonumber(job.ma) or DEFAULTS.max_attempts
    job.mc = tonumber(job.mc) or DEFAULTS.max_crashes
    if job.s == 'leased' then job.deadline = tonumber(redis.call('ZSCORE', set_key(job.q, 'leased'), job.id)) end
    return job
end

-- Load fields of a job; job.s is false for an unknown id.
local function load(id, names)
    local values, job = redis.call('HMGET', job_key(id), unpack(names)), {id = id}
    for i = 1, #names do job[names[i]] = values[i] end
    return typed(job)
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
    if drop then redis.call('HDEL', job_key(job.id), unpack(drop)) end
    if state == 'ready' then wake(job.q) end
    if job.wt and now < job.wt then watched[job.id] = true end
    job.s = state
end

-- To a final state, until its prune time; `fields` as in move.
local function finish(job, state, rev, fields)
    local prune_ms = now + (job.re or RETENTION[state])
    for _, word in ipairs({'ft', text(now), 'k', ''}) do fields[#fields + 1] = word end
    move(job, state, prune_ms, rev, fields, job.ru and {'ru'})
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
