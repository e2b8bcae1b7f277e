-- settings: what an operator said about a queue, and which wishes a job has; the job's come first, DEFAULTS last; uses lib.

-- What a queue has beside jobs, as bits: most have nothing, and pay one look for that.
local HAS_SETTINGS, HAS_LANES, HAS_TURNS = 1, 2, 4
local SEAT = 16 -- above the bits: a seat, where its counters lie (cells.lua); the first one that is taken is number 1

local marks = {} -- by queue; false: not among the queues yet
local function marks_of(queue)
    if marks[queue] == nil then marks[queue] = tonumber(redis.call('HGET', MARKS, queue)) or false end
    return marks[queue]
end

-- Look at many queues at once.
local function know(queues)
    local unknown = {}
    for i = 1, #queues do
        if marks[queues[i]] == nil then unknown[#unknown + 1], marks[queues[i]] = queues[i], false end
    end
    if #unknown == 0 then return end
    local found = redis.call('HMGET', MARKS, unpack(unknown))
    for i = 1, #unknown do marks[unknown[i]] = found[i] and tonumber(found[i]) or false end
end

local function has(queue, bit) return math.floor((marks_of(queue) or 0) / bit) % 2 == 1 end

-- Note that there is such a queue, and that it has this; bit 0: nothing but jobs.
local function take_seat() -- one of a queue that is gone, or a new one
    return tonumber(redis.call('LPOP', TALLY .. 'free')) or redis.call('HINCRBY', META, 'seats', 1)
end
local function mark(queue, bit)
    local known = marks_of(queue)
    local is_seated = known and known >= SEAT
    if is_seated and (bit == 0 or has(queue, bit)) then return end
    local more = has(queue, bit) and 0 or bit
    marks[queue] = (known or 0) + more + (is_seated and 0 or SEAT * take_seat())
    redis.call('HSET', MARKS, queue, marks[queue])
    if not known then redis.call('ZADD', QUEUES, 0, queue) end -- equal scores: in alphabetical order
end

local NONE, by_queue = {}, {}
local function settings(queue)
    local found = by_queue[queue]
    if found then return found end
    found = NONE
    if has(queue, HAS_SETTINGS) then
        local flat = redis.call('HGETALL', set_key(queue, 'settings'))
        found = {}
        for i = 1, #flat, 2 do found[flat[i]] = tonumber(flat[i + 1]) or flat[i + 1] end
    end
    by_queue[queue] = found
    return found
end

-- `paused` is the instant when the pause ends, or -1 while nobody has said one.
local function is_paused(queue)
    local paused = settings(queue).paused
    return paused == -1 or (paused and now < paused)
end

-- A number of a job: its own, else its queue's, else the server's (nil where that has none).
local function resolve(own, queue, name)
    return own and tonumber(own) or (by_queue[queue] or settings(queue))[name] or DEFAULTS[name]
end

-- The same as text for an answer, where '' stands for the server's.
local function resolved_text(own, queue, name)
    local number = (by_queue[queue] or settings(queue))[name]
    return own or (number and text(number)) or ''
end

local FINAL = {succeeded = true, dead = true, cancelled = true}

-- A job names its rarer wishes by letters in its field `o`; options.lua says what each stands for.
local function has_option(job, letter) return job.o and string.find(job.o, letter, 1, true) end

local function set_option(job, letter)
    if has_option(job, letter) then return end
    job.o = (job.o or '') .. letter
    redis.call('HSET', job_key(job.id), 'o', job.o)
end
