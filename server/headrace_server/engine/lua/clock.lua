-- clock: what time it is on a test clock, and setting it forward.
-- uses:    lib beats
-- states:  none
-- keys:    meta (hash), agenda, beat:due (zset)
-- args:    run id, how far it is to be ahead of the store's clock in ms, or '' to look only; it never goes back
-- returns: how far it is ahead in ms, when something is due next in unix ms or ''
-- flags:   allow-oom
-- cost:    O(log n)

-- Who listens does so in everybody's time: polls and readers of events do not go away because the clock is set, so the
-- end of the log of events goes forward with it, and is nothing to stop at.
local LOG = 'events:'

local ahead_ms, wanted_ms = tonumber(redis.call('HGET', META, 'ahead_ms') or '0'), tonumber(ARGV[2])
local by_ms = math.max(0, (wanted_ms or 0) - ahead_ms)
if by_ms > 0 then
    redis.call('HSET', META, 'ahead_ms', text(wanted_ms), 'now', text(now + by_ms))
    redis.call('HINCRBY', META, 'wait_until', text(by_ms))
    if meta[6] then redis.call('HINCRBY', META, 'events_until', text(by_ms)) end
    if redis.call('ZSCORE', AGENDA, LOG) then redis.call('ZINCRBY', AGENDA, text(by_ms), LOG) end
end
local head = redis.call('ZRANGE', AGENDA, 0, 1, 'WITHSCORES')
local due_ms = head[1] == LOG and head[4] or (head[1] ~= LOG and head[2]) or ''
local slot_ms = redis.call('ZRANGE', BEATS, 0, 0, 'WITHSCORES')[2]
if slot_ms and (due_ms == '' or tonumber(slot_ms) < tonumber(due_ms)) then due_ms = slot_ms end
return {'ok', text(now + by_ms), head[2] or '', {text(ahead_ms + by_ms), due_ms}}
