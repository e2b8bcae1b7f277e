-- idempotency: what a key was used for, in hashes that each serve a span of time and are dropped whole; uses lib.

local BUCKET_MS, BUCKETS = DEFAULTS.idempotency_bucket_ms, DEFAULTS.idempotency_buckets
local bucket = math.floor(now / BUCKET_MS)

-- Return the fingerprint (16 bytes) and the ids (16 bytes each, joined) of the request that used the key.
local function recall(digest)
    for age = 0, BUCKETS - 1 do
        local record = redis.call('HGET', bucket_key(bucket - age), digest)
        if record then return string.sub(record, 1, 16), string.sub(record, 17) end
    end
end

local function remember(digest, record)
    redis.call('HSET', bucket_key(bucket), digest, record)
    plan('idem', text(bucket), (bucket + BUCKETS) * BUCKET_MS)
end
