-- checks: what a janitor looks for: anything that disagrees with a job's record; uses lib, places, settings, lanes, options and moves.
-- Each check tells what it found; where it may, it also mends, and always by the record.

local REPAIRS = ARGV[2] == '1'
local found, looked_at = {}, 0

-- Take down a disagreement; return whether to mend it.
local function wrong(kind, queue, id, detail)
    found[#found + 1] = {kind, queue or '', id or '', detail}
    return REPAIRS
end

local function is_planned(member, due_ms)
    local planned_ms = tonumber(redis.call('ZSCORE', AGENDA, member))
    return planned_ms and planned_ms <= math.max(due_ms, now)
end

-- Something that must happen by itself, by then.
local function expect_planned(kind, name, due_ms, queue)
    if is_planned(kind .. ':' .. name, due_ms) then return end
    if wrong('agenda', queue, '', kind .. ' is not planned for ' .. text(due_ms)) then plan(kind, name, due_ms) end
end

local KNOWN = {
    scheduled = 'promote', retrying = 'promote', leased = 'reap', succeeded = 'prune', dead = 'prune', cancelled = 'prune', ready = '',
}

-- Put a job back where its state says that it lies; what only its place knew is made up.
local function place(job)
    mark(job.q, 0)
    if job.s == 'ready' then
        local score = new_place(job, tonumber(job.rv) or 0)
        wake(job.q)
        if job.lane then return join(job, score) end
        return redis.call('ZADD', set_key(job.q, 'ready'), text(score), job.id)
    end
    local due_ms = tonumber(due_of(job)) or now
    if job.s == 'leased' then due_ms = job.deadline or now end
    if FINAL[job.s] then due_ms = now + resolve(job.re, job.q, job.s .. '_retention_ms') end
    redis.call('ZADD', set_key(job.q, job.s), text(due_ms), job.id)
    plan(KNOWN[job.s], job.q, due_ms)
end

local function check_place(job)
    local home = set_key(job.q, job.s == 'ready' and job.lane and 'laned' or job.s)
    local score = tonumber(redis.call('ZSCORE', up_to_date(home), job.id))
    local due_ms = tonumber(due_of(job)) or job.deadline
    if not score or (due_ms and score ~= due_ms) then
        if wrong('place', job.q, job.id, 'is ' .. job.s .. ' and does not lie there') then place(job) end
    elseif job.lane and job.s == 'ready' and tonumber(redis.call('ZSCORE', lane_key(job.q, job.lane), job.id)) ~= score then
        if wrong('lane', job.q, job.id, 'does not lie in its lane') then
            redis.call('ZADD', lane_key(job.q, job.lane), text(score), job.id)
            refresh(job.q, job.lane)
        end
    end
    if job.ex and OPEN[job.s] and tonumber(redis.call('ZSCORE', set_key(job.q, 'expiring'), job.id)) ~= job.ex then
        if wrong('expiry', job.q, job.id, 'expires and is not noted for that') then
            redis.call('ZADD', set_key(job.q, 'expiring'), job.ex, job.id)
            plan('expire', job.q, job.ex)
        end
    end
end

-- Whether a job is the one that keeps others of its key out, whatever the time.
local function holds_unique(job)
    local kind = job.uq and string.sub(job.uq, 1, 1)
    return (kind == 'f' and not FINAL[job.s]) or (kind == 's' and OPEN[job.s] and lease_facts(job.grant) == '0')
end

local function check_options(job)
    if holds_unique(job) then
        local key = unique_key(string.sub(job.uq, 2))
        local holder = string.sub(redis.call('GET', key) or '', 1, 16)
        if holder ~= job.id and wrong('unique', job.q, job.id, 'does not hold its unique key') and holder == '' then
            redis.call('SET', key, job.id)
        end
    end
    for tag in string.gmatch(job.tg or '', '[^' .. SEPARATOR .. ']+') do
        if not redis.call('ZSCORE', tag_key(tag), job.id) and wrong('tag', job.q, job.id, 'is not found by its tag ' .. tag) then
            redis.call('ZADD', tag_key(tag), job.rv, job.id)
        end
    end
    if job.s ~= 'leased' then return end
    for limit in string.gmatch(job.li or '', '%S+') do
        if redis.call('SISMEMBER', slots_key(limit), job.id) == 0 and wrong('slot', job.q, job.id, 'has no slot of ' .. limit) then
            redis.call('SADD', slots_key(limit), job.id)
        end
    end
    if job.ok and redis.call('HGET', set_key(job.q, 'busy'), job.lane) ~= job.id
        and wrong('order', job.q, job.id, 'runs and its ordering key is not busy') then
        redis.call('HSET', set_key(job.q, 'busy'), job.lane, job.id)
        refresh(job.q, job.lane)
    end
end
