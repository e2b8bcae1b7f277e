-- watch: jobs as they are now, and a message at each change of those that are not final yet.
-- uses:    lib deliveries settings read watching
-- states:  none
-- keys:    meta (hash), j:<id> (hash), a:<id> (list), q:<queue>:leased (zset)
-- args:    run id, number of items; an item: id (16 bytes), how long in ms
-- returns: per id: names and values of its fields, empty for an unknown id; fewer answers than ids when the reply is full
-- flags:   allow-oom
-- cost:    O(fields) per id

local n = tonumber(ARGV[2])
assert(#ARGV == 2 + 2 * n, 'watch: wrong number of arguments')
local answers = {}
for i = 1, n do
    local id = ARGV[1 + 2 * i]
    local fields, job = read(id)
    if not fields then break end
    watch(id, job, now + tonumber(ARGV[2 + 2 * i]))
    answers[i] = fields
end
return {'ok', text(now), '', answers}
