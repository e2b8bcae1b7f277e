-- moves: loads a job and moves it between the structures that are its state; uses lib, settings, lanes and options.

local OPEN = {ready = true, scheduled = true, retrying = true} -- nobody holds it, and it may expire

-- The fields that every rule looks at; a verb names those that its own rule needs beside them. Reading a field of a
-- small hash costs a walk through it, so no verb reads more.
local function with(...)
    local names = {...}
    for _, name in ipairs({'q', 's', 'k', 'at', 'ru', 'o'}) do names[#names + 1] = name end
    return names
end

-- Give the numbers of a loaded job their type and their defaults.
local function typed(job)
    job.sc, job.ex, job.re, job.wt = tonumber(job.sc), tonumber(job.ex), tonumber(job.re), tonumber(job.wt)
    job.ll, job.st, job.run_ms = tonumber(job.ll), tonumber(job.st), tonumber(job.ru) -- ru: only while it waits
    job.at, job.dl, job.cr = tonumber(job.at) or 1, tonumber(job.dl) or 0, tonumber(job.cr) or 0
    if job.s == 'leased' then job.deadline = tonumber(redis.call('ZSCORE', set_key(job.q, 'leased'), job.id)) end
    return job
end

-- Load fields of a job; job.s is false for an unknown id.
local function load(id, names)
    local values, job = redis.call('HMGET', job_key(id), unpack(names)), {id = id}
    for i = 1, #names do job[names[i]] = values[i] end
    if job.o then load_options(job) end
    return typed(job)
end

local function step_out(job)
    if job.lane and job.s == 'ready' then return leave(job) end
    redis.call('ZREM', set_key(job.q, job.s), job.id)
end

-- Move a job to a state's structure at a score; `fields` is a flat list for HSET, `drop` lists fields to delete.
local function move(job, state, score, rev, fields, drop)
    local was, rev_text = job.s, text(rev)
    step_out(job)
    if job.lane and state == 'ready' then
        join(job, score)
    else
        redis.call('ZADD', set_key(job.q, state), text(score), job.id)
    end
    if job.o then option_moved(job, was, state) end
    if job.ex and OPEN[was] and not OPEN[state] then redis.call('ZREM', set_key(job.q, 'expiring'), job.id) end
    if job.ex and OPEN[state] then
        redis.call('ZADD', set_key(job.q, 'expiring'), text(job.ex), job.id)
        plan('expire', job.q, job.ex)
    end
    redis.call('HSET', job_key(job.id), 's', state, 'rv', rev_text, unpack(fields))
    if drop then redis.call('HDEL', job_key(job.id), unpack(drop)) end
    if state == 'ready' or (was == 'leased' and state ~= was and settings(job.q).concurrency) then wake(job.q) end
    if job.wt and now < job.wt then watched[job.id] = true end
    if EVENTS_ON and was ~= state then note(job, was, state, rev_text) end
    job.s = state
end

-- To a final state, until its prune time; `fields` as in move.
local RETENTION = {succeeded = 'succeeded_retention_ms', dead = 'dead_retention_ms', cancelled = 'cancelled_retention_ms'}
local function finish(job, state, rev, fields)
    local prune_ms = now + resolve(job.re, job.q, RETENTION[state])
    for _, word in ipairs({'ft', text(now), 'k', ''}) do fields[#fields + 1] = word end
    move(job, state, prune_ms, rev, fields, job.ru and {'ru'})
    plan('prune', job.q, prune_ms)
end

-- Cancelled by another than its holder, whose token is kept so that it is told.
local function call_off(job, rev, reason)
    local fields = {'rs', reason}
    if job.k and job.k ~= '' then fields[3], fields[4] = 'kc', job.k end
    finish(job, 'cancelled', rev, fields)
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

-- The place of a job that comes into line with this rev (`pr` must be loaded).
local function new_place(job, rev) return ready_score(resolve(job.pr, job.q, 'priority'), rev) end
