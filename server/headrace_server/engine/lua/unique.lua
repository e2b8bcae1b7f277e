-- unique: who has a unique key, and what becomes of jobs that meet one; uses lib, deliveries, settings, lanes, options and moves.
-- A key's value is the id of its job (16 bytes), then the instant when it is free again where its time is limited.

local function digest_of(job) return string.sub(job.uq, 2) end

local function holder_of(digest)
    local value = redis.call('GET', unique_key(digest))
    local until_ms = value and tonumber(string.sub(value, 17))
    if not value or (until_ms and until_ms <= now) then return nil end
    return string.sub(value, 1, 16)
end

-- Give a job its key, until it starts or ends or for a time; whoever had the key before has it no more.
local function take_unique(job, ttl_ms)
    local until_ms = ttl_ms and text(now + ttl_ms) or ''
    redis.call('SET', unique_key(digest_of(job)), job.id .. until_ms)
    if ttl_ms then
        redis.call('ZADD', UNIQUES, until_ms, digest_of(job))
        plan('unique', '', now + ttl_ms)
    end
end

-- Whether nobody has started a job in this run.
local function is_untouched(id)
    local about = redis.call('HMGET', job_key(id), 's', 'k')
    return (about[1] == 'ready' or about[1] == 'scheduled') and lease_facts(about[2]) == '0'
end

-- What would become of the jobs of a group that have unique keys, each seeing those before it: `placed` and `holder`
-- of those that meet a key. Return the refusal if one of them may not share it.
local function meet(jobs)
    local of_group, refused, holders = {}, {'unique_conflict', ''}, {}
    for i, job in ipairs(jobs) do
        local digest = job.on_conflict and digest_of(job)
        local earlier = digest and of_group[digest]
        local holder = earlier or (digest and holder_of(digest))
        if holder and job.on_conflict == 'return' then
            job.placed, job.holder = 'deduplicated', holder
        elseif holder and job.on_conflict == 'replace' and not earlier and is_untouched(holder) then
            job.placed, job.holder = 'replaced', holder
        elseif holder then
            refused[#refused + 1], holders[#holders + 1] = text(i - 1), holder
        elseif digest then
            of_group[digest] = job.id
        end
    end
    refused[2] = table.concat(holders)
    return #holders > 0 and refused or nil
end
