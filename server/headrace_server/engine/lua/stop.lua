-- stop: an operation goes no further; what it did stays done.
-- uses:    lib
-- states:  none
-- keys:    meta, op:<id> (hash)
-- args:    run id, id (16 bytes)
-- returns: names and values of its fields, none for an unknown id
-- flags:   allow-oom
-- cost:    O(1)

local key = operation_key(ARGV[2])
if redis.call('HGET', key, 'state') == 'running' then
    reserve(0)
    redis.call('HSET', key, 'state', 'cancelled', 'finished', text(now))
end
return finish_script(redis.call('HGETALL', key))
