-- limit: what holds for the jobs of each key that is this name or begins with it; lanes that it held back are looked at anew.
-- uses:    lib limiting
-- states:  none
-- keys:    meta, limits (hash), limit_names, agenda (zset), slots:<limit> (set)
-- args:    run id, name, what: set (then concurrency, interval in us, burst, count, per ms, '-' for none) | unset (not the back-off)
--          | hold (then for how long in ms from now)
-- returns: as one of limits
-- flags:   allow-oom
-- cost:    O(log n); the lanes have their turn by the agenda

local name, what = ARGV[2], ARGV[3]
reserve(0)
local words = unpack_limit(redis.call('HGET', LIMITS, name))
if what == 'hold' then
    local for_ms = tonumber(ARGV[4])
    words[4] = for_ms > 0 and text(now + for_ms) or '-'
    if for_ms > 0 then plan('relimit', name, now + for_ms) end
else
    local said = what == 'set' and {unpack(ARGV, 4, 8)} or {'-', '-', '-', '-', '-'}
    words = {said[1], said[2], said[3], words[4], said[4], said[5]}
end
put_limit(name, words)
plan('relimit', name, now)
return finish_script(view_limit(name))
