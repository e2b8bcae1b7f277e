-- check: look at some of what a shard holds, and at whether it agrees with the records of its jobs.
-- uses:    lib places deliveries settings cells tallies counts limiting lanes runs options loading moves buckets gates fleet pages checks check_sets check_lanes check_keys check_fleet check_tallies beats check_beats hooks check_hooks
-- states:  none
-- keys:    every key of the shard
-- args:    run id, repair ('1' or ''), what (a name of CHECKS), its own
-- returns: members of a sorted set looked at; where to go on in it (score, member), or nothing (of `round`: something if it is
--          refused); then per disagreement: kind, queue or '', id of a job or '', what is wrong
-- flags:   allow-oom
-- cost:    O(log n) per member looked at, 100 at most

-- A new round of a janitor: servers take them by turns.
function CHECKS.round(interval_ms)
    local next_ms = tonumber(redis.call('HGET', META, 'next_check')) or 0
    if now < next_ms then return {text(next_ms)} end
    redis.call('HSET', META, 'next_check', text(now + tonumber(interval_ms)))
end

local go_on = CHECKS[ARGV[3]](unpack(ARGV, 4))
if REPAIRS and #found > 0 then reserve(0) end
return finish_script({text(looked_at), go_on or {}, unpack(found)})
