-- counts: how full a queue is, and how it is set; uses lib, places and settings.

local STATES = {'scheduled', 'ready', 'leased', 'retrying', 'succeeded', 'dead', 'cancelled'}

-- The structures that hold the jobs of a state: of those that are ready, the plain ones and those in lanes.
local function homes_of(queue, state)
    if state == 'ready' then return {set_key(queue, 'ready'), set_key(queue, 'laned')} end
    return {set_key(queue, state)}
end

local function count_jobs(queue, state)
    local found = 0
    for _, key in ipairs(homes_of(queue, state)) do found = found + redis.call('ZCARD', up_to_date(key)) end
    return found
end

-- How many jobs lie in each structure. Most queues use a few of them: how many there are is asked first, and then each in turn
-- until so many were found.
local IN_TURN = {'ready', 'succeeded', 'leased', 'retrying', 'scheduled', 'dead', 'cancelled', 'laned'}
local function count_all(queue)
    local keys, counts, prefix = {}, {laned = 0}, set_key(queue, '')
    local n = has(queue, HAS_LANES) and #IN_TURN or #IN_TURN - 1
    for i = 1, n do keys[i] = prefix .. IN_TURN[i] end
    local left = redis.call('EXISTS', unpack(keys))
    for i = 1, n do
        local count = left > 0 and redis.call('ZCARD', keys[i]) or 0
        counts[IN_TURN[i]] = count
        if count > 0 then left = left - 1 end
    end
    return counts
end

-- Jump from the head of one priority to the head of the next: the scores of a priority fill one span of 2^44.
local READY = {'ready', 'laned'}
local function oldest_ready(queue, counts)
    local oldest
    for i = 1, #READY do
        local n = counts[READY[i]]
        local key = n > 0 and set_key(queue, READY[i])
        local head = key and redis.call('ZRANGE', key, 0, 0, 'WITHSCORES') or {}
        while head[1] do
            local enqueued_ms = tonumber(redis.call('HGET', job_key(head[1]), 'ca'))
            if enqueued_ms and (not oldest or enqueued_ms < oldest) then oldest = enqueued_ms end
            if n == 1 then break end
            local from = (math.floor(tonumber(head[2]) / 17592186044416) + 1) * 17592186044416
            head = redis.call('ZRANGEBYSCORE', key, from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
        end
    end
    return oldest and text(oldest) or ''
end

-- In one text, with spaces between them: the number of jobs in each state, enqueued_at of the oldest head of a priority or '', the
-- end of the pause ('-1': until somebody resumes, '': not paused), draining ('1' or '').
local function describe_queue(queue)
    local counts, own, words = count_all(queue), settings(queue), {}
    local oldest = oldest_ready(queue, counts)
    counts.ready = counts.ready + counts.laned
    for i = 1, #STATES do words[i] = text(counts[STATES[i]]) end
    words[8], words[9], words[10] = oldest, is_paused(queue) and text(own.paused) or '', own.draining and '1' or ''
    return table.concat(words, ' ')
end

-- The same, then the settings as names and values.
local function view_queue(queue)
    return {describe_queue(queue), redis.call('HGETALL', set_key(queue, 'settings'))}
end
