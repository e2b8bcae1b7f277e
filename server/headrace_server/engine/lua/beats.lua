-- beats: the records of schedules, by name and by the slot that comes next, and the newest runs of each; uses lib.

local function beat_key(name) return BEAT .. name end
local BEATS, BEAT_NAMES = beat_key('due'), beat_key('names')
local function schedule_key(name) return beat_key('s:' .. name) end
local function runs_key(name) return beat_key('r:' .. name) end

-- Where a schedule stands in line: nowhere while it is paused, or has no slot left.
local function line_up(name)
    local about = redis.call('HMGET', schedule_key(name), 'next', 'paused')
    if about[1] and not about[2] then return redis.call('ZADD', BEATS, about[1], name) end
    redis.call('ZREM', BEATS, name)
end

-- Servers sleep until the next slot that they know of.
local function tell_beats() redis.call('SPUBLISH', WAKE, 'schedules') end

-- One slot: when it was and when it was fired, g (of the grid) or m (by hand), what became of it, when its job started and
-- ended (0: not yet), and the id of its job or '-'.
local function write_run(name, slot, kind, outcome, id)
    local ended = outcome == 'enqueued' and '0' or now_text
    redis.call('LPUSH', runs_key(name), table.concat({slot, now_text, kind, outcome, '0', ended, id}, ' '))
    redis.call('LTRIM', runs_key(name), 0, DEFAULTS.schedule_runs_kept - 1)
end

-- Name, names and values of the fields, and the newest `n` runs.
local function view_schedule(name, n)
    local runs = n > 0 and redis.call('LRANGE', runs_key(name), 0, n - 1) or {}
    return {name, redis.call('HGETALL', schedule_key(name)), runs}
end
