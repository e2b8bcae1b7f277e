-- upkeep: the agenda's steps that follow from what operators say; uses lib, settings, lanes, counts, names, limiting, bulk and steps.

-- A pause that was given an end.
function STEPS.resume(queue)
    local key = set_key(queue, 'settings')
    local until_ms = tonumber(redis.call('HGET', key, 'paused'))
    if not until_ms or until_ms == -1 then return 1, nil end -- resumed, or paused for longer, since
    if now < until_ms then return 1, until_ms end
    redis.call('HDEL', key, 'paused')
    set_mark(queue, HAS_SETTINGS, redis.call('EXISTS', key) == 1)
    wake(queue, count_jobs(queue, 'ready'))
    return 1, nil
end

-- A limit that says another thing than before, or whose back-off is over: whatever it holds back is looked at anew.
-- `name` may be followed by the key after which to go on.
function STEPS.relimit(member, n)
    local name, after = string.match(member, '^([^' .. SEPARATOR .. ']*)' .. SEPARATOR .. '?(.*)$')
    local words = unpack_limit(redis.call('HGET', LIMITS, name))
    local held_ms = tonumber(words[4])
    if held_ms and held_ms <= now then
        words[4], held_ms = '-', nil
        put_limit(name, words)
    end
    local keys = after == '' and redis.call('ZSCORE', BLOCKED, name) and {name} or {}
    local from = after == '' and '[' .. name .. ':' or '(' .. after
    local below = redis.call('ZRANGEBYLEX', BLOCKED, from, '(' .. name .. ';', 'LIMIT', 0, n) -- ';' comes after ':'
    for _, key in ipairs(below) do keys[#keys + 1] = key end
    for _, key in ipairs(keys) do plan('open', key, now) end
    if #below == n then plan('relimit', name .. SEPARATOR .. below[n], now) end
    return math.max(1, #keys), after == '' and held_ms or nil
end

-- An operation: a slice of its jobs.
function STEPS.op(id, n)
    return step_operation(id, n)
end

-- The log of events, once nobody reads it any more.
function STEPS.events()
    if EVENTS_ON then return 1, tonumber(meta[6]) end
    redis.call('UNLINK', EVENTS)
    return 1, nil
end
