-- buckets: rates, as buckets of tokens that fill by themselves; uses lib.

-- A rate is kept as the instant (in us) when its bucket is full again: by the generic cell rate algorithm (ITU-T I.371)
-- that one number is the whole bucket. Below `now` it says nothing, and is dropped.
local now_us = now * 1000
local swept = false
local full = {} -- what this script knows of buckets
local function full_at(name)
    if not full[name] then full[name] = math.max(tonumber(redis.call('ZSCORE', RATES, name)) or 0, now_us) end
    return full[name]
end

-- How many tokens a bucket has, at most `most`.
local function tokens(name, interval_us, burst, most)
    local full_us = full_at(name)
    return math.min(most, math.floor((now_us + burst * interval_us - full_us) / interval_us))
end

local function take_tokens(name, interval_us, n)
    if not swept then redis.call('ZREMRANGEBYSCORE', RATES, '-inf', '(' .. text(now_us)) end
    swept = true
    local full_us = full_at(name)
    full[name] = full_us + n * interval_us
    redis.call('ZADD', RATES, text(full_us + n * interval_us), name)
end

-- When the next token comes, in ms.
local function token_due_ms(name, interval_us, burst)
    return math.max(now + 1, math.ceil((full_at(name) - (burst - 1) * interval_us) / 1000))
end
