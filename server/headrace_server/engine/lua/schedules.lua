-- schedules: schedules as they are now: those that are due, some in alphabetical order, or one.
-- uses:    lib beats
-- states:  none
-- keys:    meta, beat:s:<name> (hash), beat:due, beat:names (zset), beat:r:<name> (list)
-- args:    due, how many | page, how many, start behind this name or '' | one, name
-- returns: the slot that comes next after now or ''; whether the reply is full ('1' or ''); then per schedule: name, names and values of its fields, its runs, newest
--          first (of several the newest only)
-- flags:   no-writes
-- cost:    O(log n + schedules)

local READS = {}
function READS.due(n)
    return redis.call('ZRANGEBYSCORE', BEATS, '-inf', now_text, 'LIMIT', 0, tonumber(n)), 0
end
function READS.page(n, after)
    return redis.call('ZRANGEBYLEX', BEAT_NAMES, after == '' and '-' or '(' .. after, '+', 'LIMIT', 0, tonumber(n)), 1
end
function READS.one(name)
    return redis.call('EXISTS', schedule_key(name)) == 1 and {name} or {}, DEFAULTS.schedule_runs_kept
end

local names, runs = READS[ARGV[1]](unpack(ARGV, 2))
local head = redis.call('ZRANGEBYSCORE', BEATS, '(' .. now_text, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local answers, bytes = {head[2] or '', ''}, 0
for _, name in ipairs(names) do
    if bytes >= DEFAULTS.script_bytes then
        answers[2] = '1'
        break
    end
    local view = view_schedule(name, runs)
    for _, word in ipairs(view[2]) do bytes = bytes + #word end
    answers[#answers + 1] = view
end
return {'ok', now_text, '', answers}
