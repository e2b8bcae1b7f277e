-- idempotency: what a key was used for, in hashes that each serve a span of time and are dropped whole; uses lib.

local BUCKET_MS, BUCKETS = DEFAULTS.idempotency_bucket_ms, DEFAULTS.idempotency_buckets
local bucket = math.floor(now / BUCKET_MS)

-- Look for the keys of a call, all of them at once: in each bucket for those that no younger one has.
local known, news = {}, {}
local function recall_all(digests)
    for age = 0, BUCKETS - 1 do
        if #digests == 0 then return end
        local found, unknown = redis.call('HMGET', bucket_key(bucket - age), unpack(digests)), {}
        for i = 1, #digests do
            if found[i] then known[digests[i]] = found[i] else unknown[#unknown + 1] = digests[i] end
        end
        digests = unknown
    end
end

-- Return the fingerprint (16 bytes) and the ids (16 bytes each, joined) of the request that used a key that was looked for.
local function recall(digest)
    local record = known[digest]
    if record then return string.sub(record, 1, 16), string.sub(record, 17) end
end

local function remember(digest, record)
    known[digest], news[#news + 1], news[#news + 2] = record, digest, record
end

local function write_keys()
    if #news == 0 then return end
    redis.call('HSET', bucket_key(bucket), unpack(news))
    plan('idem', text(bucket), (bucket + BUCKETS) * BUCKET_MS)
end
at_end[#at_end + 1] = write_keys
