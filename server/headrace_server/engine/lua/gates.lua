-- gates: whether a limit, a rate or a pause lets a job through, and what passing costs; uses lib, places, settings, lanes and buckets.

-- The settings of a limit: those of the first of its names that has any, and the latest of all their back-offs.
local known_limits = {}
local function limit_of(limit)
    if known_limits[limit] then return known_limits[limit] end
    local names, name = {}, limit
    while name do
        names[#names + 1] = name
        name = string.match(name, '^(.*):[^:]*$')
    end
    local found = {held_ms = 0}
    for index, packed in ipairs(redis.call('HMGET', LIMITS, unpack(names))) do
        if packed then
            local concurrency, interval_us, burst, held_ms = string.match(packed, '(%S+) (%S+) (%S+) (%S+)')
            held_ms = tonumber(held_ms) or 0
            if held_ms > found.held_ms then found.held_ms, found.held_by = held_ms, names[index] end
            if not found.is_set and (concurrency ~= '-' or interval_us ~= '-') then
                found.concurrency, found.interval_us, found.burst = tonumber(concurrency), tonumber(interval_us), tonumber(burst)
                found.is_set = true
            end
        end
    end
    known_limits[limit] = found
    return found
end

-- nil: it lets a job through. Else when it will; infinity: when a slot is freed.
local function shut_until(limit)
    local found = limit_of(limit)
    if now < found.held_ms then return found.held_ms end
    if found.interval_us and tokens(limit, found.interval_us, found.burst, 1) < 1 then
        return token_due_ms(limit, found.interval_us, found.burst)
    end
    if found.concurrency and leased_under(limit) >= found.concurrency then return math.huge end
end

-- A lane waits for a limit instead of standing in the way.
local function shut(queue, lane, place, limit, until_ms)
    close(queue, lane)
    redis.call('ZADD', shut_key(limit), place, queue .. SEPARATOR .. lane)
    redis.call('ZADD', BLOCKED, 0, limit)
    if until_ms < math.huge then plan('open', limit, until_ms) end
end

-- Shut a lane if one of its head's limits does not let it through; return whether it did.
local function is_shut(queue, lane, head, place)
    local limits = is_ordered(lane) and (redis.call('HGET', job_key(head), 'li') or '')
        or string.sub(lane, string.find(lane, SEPARATOR, 1, true) + 1)
    for limit in string.gmatch(limits, '%S+') do
        local until_ms = shut_until(limit)
        if until_ms then
            shut(queue, lane, place, limit, until_ms)
            return true
        end
    end
    return false
end

-- A job passes: the buckets of its limits lose a token each. Who takes the last one sees to it that
-- somebody is woken for the next: whoever waits has looked before, and will not look again by himself. So does who leaves a
-- slot free for what lies behind: of two slots that were freed, only the first found the lane shut, and woke somebody.
local function pass_limits(job)
    for limit in string.gmatch(job.li or '', '%S+') do
        local found = limit_of(limit)
        if found.interval_us then
            take_token(limit, found.interval_us, found.burst)
            local until_ms = shut_until(limit)
            if until_ms and redis.call('EXISTS', lane_key(job.q, job.lane)) == 1 then shut(job.q, job.lane, job.sc, limit, until_ms) end
        end
        if found.concurrency and not job.ok and leased_under(limit) < found.concurrency
            and redis.call('EXISTS', lane_key(job.q, job.lane)) == 1 then
            wake(job.q)
        end
    end
end

-- The same for the bucket of its queue.
local function pass_queue(queue)
    local own, bucket = settings(queue), SEPARATOR .. queue
    if not own.interval_us then return end
    take_token(bucket, own.interval_us, own.burst)
    if tokens(bucket, own.interval_us, own.burst, 1) < 1 then
        plan('refill', queue, token_due_ms(bucket, own.interval_us, own.burst))
    end
end

-- How many jobs a queue may give now. Where its rate says none, its polls are woken when it says another thing.
local function room_of(queue)
    if is_paused(queue) then return 0 end
    local own, room = settings(queue), math.huge
    if own.concurrency then room = own.concurrency - redis.call('ZCARD', up_to_date(set_key(queue, 'leased'))) end
    if own.interval_us and room > 0 then
        local left = tokens(SEPARATOR .. queue, own.interval_us, own.burst, room)
        if left < 1 then plan('refill', queue, token_due_ms(SEPARATOR .. queue, own.interval_us, own.burst)) end
        room = math.min(room, left)
    end
    return room
end
