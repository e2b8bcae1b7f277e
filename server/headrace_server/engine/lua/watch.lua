-- watch: jobs as they are now, and a message at each change of those that are not final yet.
-- uses:    lib settings read
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
    local id, until_ms = ARGV[1 + 2 * i], now + tonumber(ARGV[2 + 2 * i])
    local fields, job = read(id)
    if not fields then break end
    -- Marked a minute ahead, so that a watcher who comes again and again costs no write each.
    if job.s and not FINAL[job.s] and (tonumber(job.wt) or 0) < until_ms then
        local options = job.o or ''
        if not string.find(options, 'w', 1, true) then options = options .. 'w' end
        redis.call('HSET', job_key(id), 'wt', text(until_ms + 60000), 'o', options)
    end
    answers[i] = fields
end
return {'ok', text(now), '', answers}
