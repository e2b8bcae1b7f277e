-- limiting: the record of a limit, packed: concurrency interval_us burst held_ms count per_ms, '-' where nothing was said;
-- uses lib. Their names lie in order beside them, for those who page through them.

local function unpack_limit(packed)
    local words = {}
    for word in string.gmatch(packed or '- - - - - -', '%S+') do words[#words + 1] = word end
    return words
end

-- Keep what was said; a limit of which nothing is said any more is gone.
local function put_limit(name, words)
    local packed = table.concat(words, ' ')
    if packed == '- - - - - -' then
        redis.call('HDEL', LIMITS, name)
        redis.call('ZREM', LIMIT_NAMES, name)
    else
        redis.call('HSET', LIMITS, name, packed)
        redis.call('ZADD', LIMIT_NAMES, 0, name)
    end
end

local function view_limit(name)
    return {name, redis.call('HGET', LIMITS, name) or '', text(redis.call('SCARD', slots_key(name)))}
end
