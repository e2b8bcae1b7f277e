-- refusals: what keeps a group of jobs out, beside unique keys: time, a drain, a full queue; uses lib, settings, lanes, options and moves.

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
local function is_refused(job) return settings(job.q).draining end
local function has_bound(job) return settings(job.q).max_depth or settings(job.q).max_bytes end

-- Jobs of a queue that have not ended; counted once a script, and again after something was replaced.
local depths = {}
local function depth_of(queue)
    if not depths[queue] then
        depths[queue] = 0
        for _, set in ipairs({'ready', 'laned', 'scheduled', 'leased', 'retrying'}) do
            depths[queue] = depths[queue] + redis.call('ZCARD', set_key(queue, set))
        end
    end
    return depths[queue]
end

-- The queues that have no room for all jobs which a group would create in them.
local function full_queues(jobs)
    local more, full = {}, {}
    for _, job in ipairs(jobs) do
        if has_bound(job) and not job.placed then
            local sum = more[job.q] or {jobs = 0, bytes = 0}
            sum.jobs, sum.bytes = sum.jobs + 1, sum.bytes + #job.fields[4]
            more[job.q] = sum
        end
    end
    for queue, sum in pairs(more) do
        local own = settings(queue)
        local bytes = own.max_bytes and (tonumber(redis.call('HGET', BYTES, queue)) or 0) + sum.bytes
        full[queue] = (own.max_depth and depth_of(queue) + sum.jobs > own.max_depth) or (bytes and bytes > own.max_bytes)
    end
    return full
end

local function refuse_full(jobs)
    if not refusal('', jobs, has_bound) then return nil end
    local full = full_queues(jobs)
    return refusal('queue_full', jobs, function(job) return full[job.q] and not job.placed end)
end
