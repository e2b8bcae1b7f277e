-- webhook: what holds for one webhook: its record, a pause, its secrets, its end.
-- uses:    lib hooks
-- states:  none
-- keys:    meta, hook:s:<name> (hash), hook:names (zset), hook:state (hash)
-- args:    run id, name, what: set (then the record, a secret, whether it must be this one: 1 | '', paused: 1 | 0 | '' as it is,
--          how many there may be, for how long an old secret goes on in ms, then for each shard up to which rev its log is none
--          of their business) | pause (generation or '', why) | resume | rotate (secret, for how long the old one goes on in ms) | drop
-- returns: made | done | same (nothing changed) | not_found | full | moved (another generation), then a view as one of webhooks
-- flags:   none
-- cost:    O(log n); of `set` O(shards) beside

local name, what = ARGV[2], ARGV[3]
local key = webhook_key(name)
local ACTS = {}

local function begin_generation() redis.call('HSET', key, 'gen', text(reserve(1) + 1), 'updated', now_text) end

-- The new secret, and how long the one before it goes on signing; of more the newest is enough.
local function put_secret(secret, old_ms)
    local was = redis.call('HGET', key, 'secret')
    if was == secret then return false end
    redis.call('HSET', key, 'secret', secret)
    if was then redis.call('HSET', key, 'old_secret', was, 'old_until', text(now + tonumber(old_ms))) end
    return true
end

function ACTS.set(spec, secret, must, paused, most, old_ms, ...)
    local was = redis.call('HMGET', key, 'spec', 'paused')
    if not was[1] and redis.call('ZCARD', HOOK_NAMES) >= tonumber(most) then return 'full' end
    local pauses = paused == '1' or (paused == '' and was[2] == '1')
    local rotated = (not was[1] or must == '1') and put_secret(secret, old_ms)
    if was[1] == spec and (was[2] == '1') == pauses and not rotated then return 'same' end
    if not was[1] then redis.call('HSET', key, 'created', now_text) end
    redis.call('HSET', key, 'spec', spec)
    redis.call('ZADD', HOOK_NAMES, 0, name)
    for i, rev in ipairs({...}) do redis.call('HSETNX', HOOK_STATE, rev_field(text(i - 1)), rev) end
    if not pauses then
        redis.call('HDEL', key, 'paused', 'why')
    elseif was[2] ~= '1' then
        redis.call('HSET', key, 'paused', '1', 'why', 'asked')
    end
    begin_generation()
    return was[1] and 'done' or 'made'
end

function ACTS.pause(generation, why)
    local about = redis.call('HMGET', key, 'gen', 'paused')
    if generation ~= '' and about[1] ~= generation then return 'moved' end
    if about[2] then return 'same' end
    redis.call('HSET', key, 'paused', '1', 'why', why)
    begin_generation()
    return 'done'
end

function ACTS.resume()
    if redis.call('HDEL', key, 'paused', 'why') == 0 then return 'same' end
    begin_generation()
    return 'done'
end

-- The same secret again is the same call, which comes again because its answer was lost.
function ACTS.rotate(secret, old_ms)
    if not put_secret(secret, old_ms) then return 'same' end
    begin_generation()
    return 'done'
end

-- With the last one the logs are nobody's business any more: the next first one begins where they stand then.
function ACTS.drop()
    redis.call('UNLINK', key)
    redis.call('ZREM', HOOK_NAMES, name)
    redis.call('HDEL', HOOK_STATE, missed_field(name))
    if redis.call('ZCARD', HOOK_NAMES) == 0 then
        local version = version_of_hooks()
        redis.call('UNLINK', HOOK_STATE)
        redis.call('HSET', HOOK_STATE, 'version', version)
    end
    return 'done'
end

local outcome = 'not_found'
if what == 'set' or redis.call('EXISTS', key) == 1 then outcome = ACTS[what](unpack(ARGV, 4)) end
if outcome == 'done' or outcome == 'made' then
    reserve(0)
    redis.call('HINCRBY', HOOK_STATE, 'version', 1)
    redis.call('SPUBLISH', WAKE, 'webhooks')
end
return finish_script({outcome, view_webhook(name)})
