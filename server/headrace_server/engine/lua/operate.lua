-- operate: have something done to all jobs of a filter that are there now, a bounded step a tick.
-- uses:    lib
-- states:  none
-- keys:    meta (hash), op:<id> (hash), operations, agenda (zset)
-- args:    run id, id (16 bytes), fields: action, ask (opaque), dry ('1' or ''), ms for each job ('' for no rate), target queue or '',
--          states joined by spaces, then as the filter of list
-- returns: names and values of its fields; of one that is there already, as it is
-- flags:   none
-- cost:    O(log n)

local id = ARGV[2]
local key = operation_key(id)
if redis.call('EXISTS', key) == 0 then
    reserve(0)
    local names = {
        'action', 'ask', 'dry', 'each_ms', 'target', 'states', 'queue', 'task', 'error_type', 'tag', 'ca_from', 'ca_below', 'ft_from',
        'ft_below',
    }
    assert(#ARGV == 2 + #names, 'operate: wrong number of arguments')
    for i, name in ipairs(names) do
        if ARGV[2 + i] ~= '' then redis.call('HSET', key, name, ARGV[2 + i]) end
    end
    redis.call('HSET', key, 'rev', redis.call('HGET', META, 'rev'), 'state', 'running', 'created', text(now), 'finished', '',
        'scanned', '0', 'matched', '0', 'done', '0', 'skipped', '0', 'sample', '', 'at_queue', '', 'at_state', '1', 'at_score', '', 'at_id', '')
    redis.call('ZADD', OPERATIONS, text(now), id)
    plan('op', id, now)
end
return finish_script(redis.call('HGETALL', key))
