-- schedule: what holds for one schedule: its record, a pause, its end.
-- uses:    lib beats
-- states:  none
-- keys:    meta, beat:s:<name> (hash), beat:due, beat:names (zset), beat:r:<name> (list), agenda (zset)
-- args:    run id, name, what: set (then the record, digest of its timing, next slot or '', paused: 1 | 0 | '' as it is, how many
--          there may be) | pause | resume (then its generation, next slot or '') | drop
-- returns: done | same (nothing changed) | not_found | full | moved (another generation), then a view as one of schedules
-- flags:   none
-- cost:    O(log n)

local name, what = ARGV[2], ARGV[3]
local key = schedule_key(name)
local ACTS = {}

local function put_or_drop(field, value)
    if value and value ~= '' then redis.call('HSET', key, field, value) else redis.call('HDEL', key, field) end
end

-- The same timing keeps its place: a deploy must not lose a slot that is overdue. One that was paused begins anew.
function ACTS.set(spec, timing, next_ms, paused, most)
    local was = redis.call('HMGET', key, 'spec', 'timing', 'paused')
    if not was[1] and redis.call('ZCARD', BEAT_NAMES) >= tonumber(most) then return 'full' end
    local pauses = paused == '1' or (paused == '' and was[3] == '1')
    if was[1] == spec and (was[3] == '1') == pauses then return 'same' end
    local generation = text(reserve(1) + 1)
    if not was[1] then redis.call('HSET', key, 'created', now_text) end
    redis.call('HSET', key, 'spec', spec, 'timing', timing, 'gen', generation, 'updated', now_text)
    redis.call('ZADD', BEAT_NAMES, 0, name)
    if was[2] ~= timing or (was[3] == '1' and not pauses) then put_or_drop('next', next_ms) end
    put_or_drop('paused', pauses and '1')
    return 'done'
end

-- Nothing is missed while somebody wants nothing to happen, but a slot that waits for the job before it is.
function ACTS.pause()
    if redis.call('HGET', key, 'paused') then return 'same' end
    if redis.call('HDEL', key, 'buffered') == 1 then redis.call('HINCRBY', key, 'missed', 1) end
    redis.call('HSET', key, 'paused', '1', 'gen', text(reserve(1) + 1))
    return 'done'
end

function ACTS.resume(generation, next_ms)
    local about = redis.call('HMGET', key, 'paused', 'gen')
    if not about[1] then return 'same' end
    if about[2] ~= generation then return 'moved' end
    redis.call('HDEL', key, 'paused')
    redis.call('HSET', key, 'gen', text(reserve(1) + 1))
    put_or_drop('next', next_ms)
    return 'done'
end

function ACTS.drop()
    redis.call('UNLINK', key, runs_key(name))
    redis.call('ZREM', BEAT_NAMES, name)
    return 'done'
end

local outcome = 'not_found'
if what == 'set' or redis.call('EXISTS', key) == 1 then outcome = ACTS[what](unpack(ARGV, 4)) end
if outcome == 'done' then
    reserve(0)
    line_up(name)
    tell_beats()
end
return finish_script({outcome, view_schedule(name, DEFAULTS.schedule_runs_kept)})
