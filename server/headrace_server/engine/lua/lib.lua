-- lib: keys, clock, revs, agenda and wake-ups; every verb stands on it, and no other file builds a key.
-- KEYS[1] is the shard's meta hash; its name without 'meta' is the prefix of every other key of the shard.

local P = string.sub(KEYS[1], 1, -5)
local META, AGENDA, QUEUES, WAKE, LIMIT_NAMES = KEYS[1], P .. 'agenda', P .. 'queues', P .. 'wake', P .. 'limit_names'
local JOB, OF_QUEUE, BEAT, HOOK, LIMITS, RATES, BLOCKED, EVENTS = P .. 'j:', P .. 'q:', P .. 'beat:', P .. 'hook:', P .. 'limits', P .. 'rates', P .. 'blocked', P .. 'events'
local MARKS, BYTES, POLLED, UNIQUES, OPERATIONS, TALLY = P .. 'marks', P .. 'bytes', P .. 'polled', P .. 'uniques', P .. 'operations', P .. 'tally:'
local SEPARATOR = '\31' -- between parts of one text; no name or key may hold it
local function job_key(id) return JOB .. id end
local function attempts_key(id) return P .. 'a:' .. id end
local function set_key(queue, name) return OF_QUEUE .. queue .. ':' .. name end
local function lane_key(queue, lane) return OF_QUEUE .. queue .. ':lane:' .. lane end
local function open_key(queue, tenant) return OF_QUEUE .. queue .. ':open:' .. tenant end
local function slots_key(limit) return P .. 'slots:' .. limit end
local function shut_key(limit) return P .. 'shut:' .. limit end
local function unique_key(digest) return P .. 'u:' .. digest end
local function tag_key(tag) return P .. 'tag:' .. tag end
local function operation_key(id) return P .. 'op:' .. id end
local function replay_key(worker) return P .. 'r:' .. worker end
local function fleet_key(name) return P .. 'fleet:' .. name end

-- tostring() would round a time in us. '%d' is exact where a C long has 64 bits, and faster than '%.0f'. Scores need neither:
-- whatever text a store makes of a number, it reads the same number from it.
local INTEGER = string.format('%d', 9007199254740992) == '9007199254740992' and '%d' or '%.0f'
local DIGITS = {[0] = '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'}
local function text(n) return DIGITS[n] or string.format(INTEGER, n) end
local function bucket_key(number) return P .. 'idem:' .. text(number) end
local function echo_key(number) return P .. 'echo:' .. text(number) end

local meta = redis.call('HMGET', META, 'format', 'now', 'run_id', 'fence_base', 'wait_until', 'events_until', 'rev')
if not meta[1] then return {'wrong_node'} end

local t = redis.call('TIME') -- the one reading of a clock; tests put a virtual one here
local now = math.max(tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000), tonumber(meta[2]))
local now_text = text(now)

-- Reserve n revs and return the one before the first. The first script on a new store process (restart or
-- failover) leaves room for what the old one may have handed out and lost: 2^20 revs, 60 s of fence.
-- Who asks again gets some ahead; what is left of them goes back at the end.
local REVS_AHEAD = 32
local last_rev, top_rev -- given by this script so far, and taken from the store
local function reserve(n)
    if not last_rev then
        last_rev = tonumber(meta[7])
        if meta[3] ~= ARGV[1] then
            last_rev, meta[3] = last_rev + 1048576, ARGV[1]
            meta[4] = redis.call('HINCRBY', META, 'fence_base', 60000000)
            redis.call('HSET', META, 'run_id', ARGV[1])
        end
        top_rev = last_rev + n
        redis.call('HSET', META, 'now', now_text, 'rev', text(top_rev))
    elseif last_rev + n > top_rev then
        top_rev = last_rev + n + REVS_AHEAD
        redis.call('HSET', META, 'rev', text(top_rev))
    end
    last_rev = last_rev + n
    return last_rev - n
end
local function next_fence(previous)
    return math.max((tonumber(previous) or 0) + 1, now * 1000 + tonumber(meta[4]))
end

-- Agenda: what must happen by itself, written once per script. `plan` only ever moves a due time forward.
local planned, at_end = {}, {} -- by kind and name; functions of other files that finish_script calls
local function plan(kind, name, due_ms)
    local names = planned[kind] or {}
    planned[kind] = names
    if due_ms < (names[name] or math.huge) then names[name] = due_ms end
end

-- Wake-ups: one message per queue, and one per watched job, only while somebody listens.
local became_ready, watched = {}, {}
local function wake(queue, n) became_ready[queue] = (became_ready[queue] or 0) + (n or 1) end

-- The log of events: one entry a script, written only while somebody reads it. Its order is that of the revs.
local EVENTS_ON = now < (tonumber(meta[6]) or 0)
local noted = {}

-- End a mutating script: write the agenda, publish, and put time and next due time in front of the answers.
local function finish_script(answers)
    for i = 1, #at_end do at_end[i]() end
    if last_rev and top_rev > last_rev then redis.call('HSET', META, 'rev', text(last_rev)) end
    local words = {nil, nil}
    for kind, names in pairs(planned) do
        for name, due_ms in pairs(names) do words[#words + 1], words[#words + 2] = due_ms, kind .. ':' .. name end
    end
    for i = 1, #words, 500 do redis.call('ZADD', AGENDA, 'LT', unpack(words, i, math.min(i + 499, #words))) end
    if now < tonumber(meta[5]) then
        for queue, n in pairs(became_ready) do redis.call('SPUBLISH', WAKE, 'queue ' .. text(n) .. ' ' .. queue) end
    end
    for id in pairs(watched) do redis.call('SPUBLISH', WAKE, 'job ' .. id) end
    if #noted > 0 then
        local oldest = text(math.max(0, last_rev - DEFAULTS.events_kept_revs))
        redis.call('XADD', EVENTS, 'MINID', '~', oldest, text(last_rev) .. '-0', unpack(noted))
        redis.call('SPUBLISH', WAKE, 'events')
    end
    return {'ok', now_text, redis.call('ZRANGE', AGENDA, 0, 0, 'WITHSCORES')[2] or '', answers}
end
