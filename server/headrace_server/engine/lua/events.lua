-- events: read the log of state changes, and have it written on for a while.
-- uses:    lib
-- states:  none
-- keys:    meta (hash), events (stream), agenda (zset)
-- args:    run id, behind which rev ('': from now on), how many, for how long to write on in ms, whether no longer than that (1 | '')
-- returns: a rev if what was before it is not known, else ''; the rev behind which to go on; then per event its job's id, then
--          'rev was state attempt at queue task worker reason' ('-' where there is none)
-- flags:   allow-oom
-- cost:    O(events)

local until_ms, keep_ms = tonumber(meta[6]) or 0, tonumber(ARGV[4])
local log = redis.call('HMGET', META, 'rev', 'events_from')
local last, first = tonumber(log[1]), tonumber(log[2]) or 0
if now >= until_ms then -- nobody asked for a while, and nothing was written
    redis.call('UNLINK', EVENTS)
    first = last
    redis.call('HSET', META, 'events_from', text(first))
end
if until_ms < now + keep_ms or ARGV[5] == '1' then -- told ahead, so that readers who come again and again cost no write each
    redis.call('HSET', META, 'events_until', text(now + keep_ms + math.floor(keep_ms / 2)))
    plan('events', '', now + keep_ms)
end

local after = tonumber(ARGV[2]) or last
local gap = ''
-- Far behind: what was cut off lies before the first event that is still there.
if after >= first and after < last - DEFAULTS.events_kept_revs then
    local entry = redis.call('XRANGE', EVENTS, '-', '+', 'COUNT', 1)[1]
    first = entry and tonumber(string.match(entry[2][2], '^%d+')) - 1 or first
end
if after < first or after > last then -- or of another life of this store
    after = after > last and last or first
    gap = text(after)
end

local answer, left, position = {gap, ''}, tonumber(ARGV[3]), after
while left > 0 do
    local entry = redis.call('XRANGE', EVENTS, '(' .. text(position) .. '-0', '+', 'COUNT', 1)[1]
    if not entry then
        position = last
        break
    end
    for i = 1, #entry[2], 2 do
        local rev = tonumber(string.match(entry[2][i + 1], '^%d+'))
        if rev > after and left > 0 then
            answer[#answer + 1], answer[#answer + 2] = entry[2][i], entry[2][i + 1]
            position, left = rev, left - 1
        end
    end
    if left > 0 then position = tonumber(string.match(entry[1], '^%d+')) end
end
answer[2] = text(position)
return finish_script(answer)
