-- moves: moves a job between the structures that are its state; uses lib, places, deliveries, settings, tallies, lanes, options and loading.

local OPEN = {ready = true, scheduled = true, retrying = true} -- nobody holds it, and it may expire

local function step_out(job)
    if job.lane and job.s == 'ready' then return leave(job) end
    take_out(set_key(job.q, job.s), job.id)
end
-- Move a job to a state's structure at a score; `fields` is a flat list for HSET, `drop` lists fields to delete.
local function move(job, state, score, rev, fields, drop)
    local was = job.s
    local into_lane = job.lane and state == 'ready'
    if was ~= state or into_lane then step_out(job) end
    if into_lane then join(job, score) else lay(set_key(job.q, state), score, job.id) end
    if job.o then option_moved(job, was, state) end
    if job.ex and OPEN[was] and not OPEN[state] then take_out(set_key(job.q, 'expiring'), job.id) end
    if job.ex and OPEN[state] then
        lay(set_key(job.q, 'expiring'), job.ex, job.id)
        plan('expire', job.q, job.ex)
    end
    redis.call('HSET', job.key, 's', state, 'rv', rev, unpack(fields))
    if drop then redis.call('HDEL', job.key, unpack(drop)) end
    if state == 'ready' or (was == 'leased' and state ~= was and settings(job.q).concurrency) then wake(job.q) end
    if job.wt and now < job.wt then watched[job.id] = true end
    if was ~= state then tally_move(job, was, state, rev) end
    job.s = state
end

-- To a final state, until its prune time; `fields` as in move.
local RETENTION = {succeeded = 'succeeded_retention_ms', dead = 'dead_retention_ms', cancelled = 'cancelled_retention_ms'}
local function finish(job, state, rev, fields)
    local prune_ms, n = now + resolve(job.re, job.q, RETENTION[state]), #fields
    fields[n + 1], fields[n + 2] = 'ft', now_text
    if fields[1] ~= 'ks' and job.k then fields[n + 3], fields[n + 4] = 'k', voided(job.grant) end -- a token that was not settled must not come back
    if state ~= 'cancelled' then observe(task_of(job), TOTAL, now - opened_ms(job)) end
    move(job, state, prune_ms, rev, fields)
    plan('prune', job.q, prune_ms)
end

-- Cancelled by another than its holder, whose token is kept so that it is told.
local function call_off(job, rev, reason)
    local fields = {'rs', reason}
    if job.k then fields[3], fields[4] = 'kc', job.k end
    finish(job, 'cancelled', rev, fields)
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
