-- refusals: what keeps a group of jobs out, in this order: time, a drain, a unique key, a full queue; uses lib, places, settings and unique.

-- `which(job)` says whether a job is in the way; return the refusal with the indexes of those, nil if there is none.
local function refusal(word, jobs, which)
    local refused
    for i, job in ipairs(jobs) do
        if which(job) then
            refused = refused or {word}
            refused[#refused + 1] = text(i - 1)
        end
    end
    return refused
end

local function is_expired(job) return job.ex and job.ex <= now end
local function is_drained(job) return settings(job.q).draining end

-- Jobs of a queue that have not ended; counted once a script, and again after something was replaced.
local depths = {}
local function depth_of(queue)
    if not depths[queue] then
        depths[queue] = 0
        for _, set in ipairs({'ready', 'laned', 'scheduled', 'leased', 'retrying'}) do
            depths[queue] = depths[queue] + redis.call('ZCARD', up_to_date(set_key(queue, set)))
        end
    end
    return depths[queue]
end

-- What a group would create in each queue that has a bound.
local function additions(jobs)
    local more = {}
    for _, job in ipairs(jobs) do
        local own = settings(job.q)
        if (own.max_depth or own.max_bytes) and not job.placed then
            local sum = more[job.q] or {jobs = 0, bytes = 0}
            sum.jobs, sum.bytes = sum.jobs + 1, sum.bytes + #job.p
            more[job.q] = sum
        end
    end
    return more
end

local function refuse_full(jobs)
    local full = {}
    for queue, sum in pairs(additions(jobs)) do
        local own = settings(queue)
        local bytes = own.max_bytes and (tonumber(redis.call('HGET', BYTES, queue)) or 0) + sum.bytes
        full[queue] = (own.max_depth and depth_of(queue) + sum.jobs > own.max_depth) or (bytes and bytes > own.max_bytes)
    end
    return refusal('queue_full', jobs, function(job) return full[job.q] and not job.placed end)
end

local function refuse(group)
    return refusal('expired', group.jobs, is_expired) or refusal('queue_draining', group.jobs, is_drained)
        or (group.has_unique and meet(group.jobs)) or refuse_full(group.jobs)
end
