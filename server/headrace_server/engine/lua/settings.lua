-- settings: what an operator said about a queue; a job's own wishes come first, DEFAULTS last; uses lib.

-- What a queue has beside jobs, as bits of its score among the queues: most have nothing, and pay one look for that.
local HAS_SETTINGS, HAS_LANES, HAS_TURNS = 1, 2, 4

local marks = {} -- by queue; false: not among the queues yet
local function marks_of(queue)
    if marks[queue] == nil then marks[queue] = tonumber(redis.call('ZSCORE', QUEUES, queue)) or false end
    return marks[queue]
end

-- Look at many queues at once.
local function know(queues)
    local found = redis.call('ZMSCORE', QUEUES, unpack(queues))
    for i, queue in ipairs(queues) do marks[queue] = tonumber(found[i]) or false end
end

local function has(queue, bit) return math.floor((marks_of(queue) or 0) / bit) % 2 == 1 end

-- Note that there is such a queue, and that it has this; bit 0: nothing but jobs.
local function mark(queue, bit)
    local known = marks_of(queue)
    if known and (bit == 0 or has(queue, bit)) then return end
    marks[queue] = (known or 0) + bit
    redis.call('ZADD', QUEUES, marks[queue], queue)
end

local NONE, by_queue = {}, {}
local function settings(queue)
    if not has(queue, HAS_SETTINGS) then return NONE end
    if not by_queue[queue] then
        local flat, found = redis.call('HGETALL', set_key(queue, 'settings')), {}
        for i = 1, #flat, 2 do found[flat[i]] = tonumber(flat[i + 1]) or flat[i + 1] end
        by_queue[queue] = found
    end
    return by_queue[queue]
end

-- `paused` is the instant when the pause ends, or -1 while nobody has said one.
local function is_paused(queue)
    local paused = settings(queue).paused
    return paused == -1 or (paused and now < paused)
end

-- A number of a job: its own, else its queue's, else the server's (nil where that has none).
local function resolve(own, queue, name) return tonumber(own) or settings(queue)[name] or DEFAULTS[name] end
