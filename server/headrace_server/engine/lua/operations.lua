-- operations: bulk operations as they are now.
-- uses:    lib
-- states:  none
-- keys:    meta, op:<id> (hash), operations (zset)
-- args:    how many, the newest first; or 0, id (16 bytes)
-- returns: per operation: id, names and values of its fields (none for an unknown id)
-- flags:   no-writes
-- cost:    O(log n + operations)

local ids = {ARGV[2]}
if ARGV[1] ~= '0' then ids = redis.call('ZREVRANGE', OPERATIONS, 0, tonumber(ARGV[1]) - 1) end
local answers = {}
for i, id in ipairs(ids) do answers[i] = {id, redis.call('HGETALL', operation_key(id))} end
return {'ok', text(now), '', answers}
