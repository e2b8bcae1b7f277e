-- moves: moves a job between the structures that are its state; uses lib, places, deliveries, settings, tallies, lanes, options and loading.

local OPEN = {ready = true, scheduled = true, retrying = true} -- nobody holds it, and it may expire

local function step_out(job)
    if job.lane and job.s == 'ready' then return leave(job) end
    take_out(set_of(job.q, job.s), job.id)
end

-- What follows for a job with options: most have none, and pay one look for that.
local function follow_move(job, was, state)
    option_moved(job, was, state)
    if job.ex and OPEN[was] and not OPEN[state] then take_out(set_key(job.q, 'expiring'), job.id) end
    if job.ex and OPEN[state] then
        lay(set_key(job.q, 'expiring'), job.ex, job.id)
        plan('expire', job.q, job.ex)
    end
    if job.wt and now < job.wt then watched[job.id] = true end
end

-- Move a job to a state's structure at a score; the names and values of fields for its record follow.
local function put(job, state, score, rev, ...)
    local was, queue = job.s, job.q
    local into_lane = job.lane and state == 'ready'
    if was ~= state or into_lane then step_out(job) end
    if into_lane then join(job, score) else lay(set_of(queue, state), score, job.id) end
    if job.o then follow_move(job, was, state) end
    redis.call('HSET', job.key, 's', state, 'rv', rev, ...)
    if state == 'ready' or (was == 'leased' and state ~= was and settings(queue).concurrency) then wake(queue) end
    if was ~= state then tally_move(job, was, state, rev) end
    job.s = state
end

-- The same with a flat list of fields, and a list of fields to delete.
local function move(job, state, score, rev, fields, drop)
    if drop then redis.call('HDEL', job.key, unpack(drop)) end
    put(job, state, score, rev, unpack(fields))
end

-- To a final state, until its prune time; fields as in put.
local RETENTION = {succeeded = 'succeeded_retention_ms', dead = 'dead_retention_ms', cancelled = 'cancelled_retention_ms'}
local function finish(job, state, rev, ...)
    local prune_ms = now + resolve(job.re, job.q, RETENTION[state])
    if state ~= 'cancelled' then observe(task_of(job), TOTAL, now - opened_ms(job)) end
    if job.k and ... ~= 'ks' then -- a token that was not settled must not come back
        put(job, state, prune_ms, rev, 'ft', now_text, 'k', voided(job.grant), ...)
    else
        put(job, state, prune_ms, rev, 'ft', now_text, ...)
    end
    plan('prune', job.q, prune_ms)
end

-- Cancelled by another than its holder, whose token is kept so that it is told.
local function call_off(job, rev, reason)
    if job.k then return finish(job, 'cancelled', rev, 'rs', reason, 'kc', job.k) end
    finish(job, 'cancelled', rev, 'rs', reason)
end
local function expire(job, rev)
    tally(job.q, 'expired')
    call_off(job, rev, 'expired')
end

-- To scheduled or retrying, until run_ms.
local function postpone(job, state, run_ms, rev, fields, drop)
    local n = #fields
    job.ru = time_text(run_ms)
    fields[n + 1], fields[n + 2] = 'ru', job.ru
    move(job, state, run_ms, rev, fields, drop)
    plan('promote', job.q, run_ms)
end

-- The place in line: higher priority first, then the order of revs. Below 2^53 while rev < 2^44.
local function ready_score(priority, rev) return (255 - priority) * 17592186044416 + rev end

-- The place of a job that comes into line with this rev (`pr` must be loaded).
local function new_place(job, rev) return ready_score(resolve(job.pr, job.q, 'priority'), rev) end
