-- names: a queue's name comes with its first job or the first word about it, and goes with its last record once it was
-- forgotten; uses lib, settings and counts.

local IS_FORGOTTEN = 8 -- one more of a queue's marks

local function set_mark(queue, bit, on)
    mark(queue, 0)
    if has(queue, bit) == on then return end
    marks[queue] = marks[queue] + (on and bit or -bit)
    redis.call('HSET', MARKS, queue, marks[queue])
    by_queue[queue] = nil
end

local function drop_forgotten(queue)
    if not has(queue, IS_FORGOTTEN) then return end
    for _, state in ipairs(STATES) do
        if count_jobs(queue, state) > 0 then return end
    end
    redis.call('HDEL', MARKS, queue)
    redis.call('ZREM', QUEUES, queue)
    drop_tallies(queue)
    marks[queue] = false
end
