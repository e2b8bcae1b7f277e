-- facts: what may keep a job from starting, each told with its numbers; uses lib, settings, lanes and gates.

-- `because(code, name, value, ...)` takes down a fact.
local function tell_of_queue(queue, because)
    local own = settings(queue)
    if is_paused(queue) then because('queue_paused', 'until', own.paused == -1 and '' or text(own.paused)) end
    local leased = redis.call('ZCARD', set_key(queue, 'leased'))
    if own.concurrency and leased >= own.concurrency then
        because('queue_concurrency', 'in_use', text(leased), 'limit', text(own.concurrency))
    end
    local bucket = SEPARATOR .. queue
    if own.interval_us and tokens(bucket, own.interval_us, own.burst, 1) < 1 then
        because('queue_rate', 'until', text(token_due_ms(bucket, own.interval_us, own.burst)), 'limit', text(own.burst))
    end
end

local function tell_of_limits(job, because)
    for limit in string.gmatch(job.li or '', '%S+') do
        local found, leased = limit_of(limit), redis.call('SCARD', slots_key(limit))
        if now < found.held_ms then because('limit_held', 'key', found.held_by, 'until', text(found.held_ms)) end
        if found.interval_us and tokens(limit, found.interval_us, found.burst, 1) < 1 then
            because('limit_rate', 'key', limit, 'until', text(token_due_ms(limit, found.interval_us, found.burst)), 'limit', text(found.burst))
        end
        if found.concurrency and leased >= found.concurrency then
            because('limit_concurrency', 'key', limit, 'in_use', text(leased), 'limit', text(found.concurrency))
        end
    end
end

-- How many jobs of its queue, or of its ordering key, go before it. Where tenants go by turns, their places are those
-- that they would have without turns.
local function tell_of_order(job, because)
    if job.ok then
        local lane = lane_of(job)
        local holder = redis.call('HGET', set_key(job.q, 'busy'), lane)
        local rank = redis.call('ZRANK', lane_key(job.q, lane), job.id) or 0
        local first = rank > 0 and redis.call('ZRANGE', lane_key(job.q, lane), 0, 0)[1]
        if holder or first then because('ordering', 'key', job.ok, 'job_id', holder or first, 'position', text(rank)) end
    end
    local laned = job.ok or job.fk or job.li
    local place = redis.call('ZSCORE', set_key(job.q, laned and 'laned' or 'ready'), job.id)
    if not place then return end
    local ahead = 0
    for _, set in ipairs({'ready', 'laned'}) do ahead = ahead + redis.call('ZCOUNT', set_key(job.q, set), '-inf', '(' .. place) end
    if ahead > 0 then because('behind', 'position', text(ahead)) end
end

-- Polls are noted now and then: somebody who waits is seen every few seconds.
local function tell_of_polls(queue, because)
    local seen = redis.call('HGET', POLLED, queue)
    if not seen or tonumber(seen) < now - DEFAULTS.poll_lost_ms then because('no_poller', 'seen', seen or '') end
end
