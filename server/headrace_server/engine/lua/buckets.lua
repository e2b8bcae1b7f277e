-- buckets: rates, as buckets of tokens that fill by themselves; uses lib.

-- A rate is kept as the instant (in us) when its bucket is full again: by the generic cell rate algorithm (ITU-T I.371)
-- that one number is the whole bucket. Below `now` it says nothing, and is dropped. Each rate of a name has a bucket of its
-- own: what was used up under another says nothing in tokens of this one.
local now_us = now * 1000
local swept = false
local full = {} -- what this script knows of buckets
local function bucket_of(name, interval_us, burst) return name .. SEPARATOR .. interval_us .. ' ' .. burst end
local function full_at(bucket)
    if not full[bucket] then full[bucket] = math.max(tonumber(redis.call('ZSCORE', RATES, bucket)) or 0, now_us) end
    return full[bucket]
end

-- How many tokens there are, at most `most`.
local function tokens(name, interval_us, burst, most)
    local full_us = full_at(bucket_of(name, interval_us, burst))
    return math.min(most, math.floor((now_us + burst * interval_us - full_us) / interval_us))
end

local function take_token(name, interval_us, burst)
    if not swept then redis.call('ZREMRANGEBYSCORE', RATES, '-inf', '(' .. text(now_us)) end
    swept = true
    local bucket = bucket_of(name, interval_us, burst)
    full[bucket] = full_at(bucket) + interval_us
    redis.call('ZADD', RATES, text(full[bucket]), bucket)
end

-- When the next token comes, in ms.
local function token_due_ms(name, interval_us, burst)
    return math.max(now + 1, math.ceil((full_at(bucket_of(name, interval_us, burst)) - (burst - 1) * interval_us) / 1000))
end
