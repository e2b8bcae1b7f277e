-- clock: what time it is on a test clock, and setting it forward.
-- uses:    lib
-- states:  none
-- keys:    meta (hash), agenda (zset)
-- args:    run id, the instant to be at in unix ms, or '' to look only
-- returns: how far it is ahead of the store's clock in ms, when something is due next in unix ms or ''
-- flags:   allow-oom
-- cost:    O(log n)

-- Who listens does so in everybody's time: polls and readers of events do not go away because the clock is set, so the
-- end of the log of events goes forward with it, and is nothing to stop at.
local LOG = 'events:'

local ahead_ms, to_ms = tonumber(redis.call('HGET', META, 'ahead_ms') or '0'), tonumber(ARGV[2])
if to_ms and to_ms > now then
    local by_ms = text(to_ms - now)
    ahead_ms = redis.call('HINCRBY', META, 'ahead_ms', by_ms)
    redis.call('HINCRBY', META, 'wait_until', by_ms)
    if meta[6] then redis.call('HINCRBY', META, 'events_until', by_ms) end
    if redis.call('ZSCORE', AGENDA, LOG) then redis.call('ZINCRBY', AGENDA, by_ms, LOG) end
    redis.call('HSET', META, 'now', text(to_ms))
end
local head = redis.call('ZRANGE', AGENDA, 0, 1, 'WITHSCORES')
local due_ms = head[1] == LOG and head[4] or (head[1] ~= LOG and head[2]) or ''
return {'ok', text(math.max(now, to_ms or 0)), head[2] or '', {text(ahead_ms), due_ms}}
