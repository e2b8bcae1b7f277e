-- options: what the rarer wishes of a job do at its moves; only jobs that have any (field `o`) come here; uses lib, settings and lanes.
-- Letters of `o`: l limits, fairness or ordering; u unique; t tags; b counted by bytes; c told to end.

local FINAL = {succeeded = true, dead = true, cancelled = true}
local OPTION_FIELDS = {'fk', 'ok', 'li', 'oh', 'fw', 'uq', 'tg', 'cq'}

local function has_option(job, letter) return job.o and string.find(job.o, letter, 1, true) end

local function set_option(job, letter)
    if has_option(job, letter) then return end
    job.o = (job.o or '') .. letter
    redis.call('HSET', job_key(job.id), 'o', job.o)
end

local function drop_option(job, letter)
    job.o = string.gsub(job.o, letter, '')
    redis.call('HSET', job_key(job.id), 'o', job.o)
end

-- Complete a job of which the core fields are loaded, or all of them (`whole`).
local function load_options(job, whole)
    if not whole then
        local values = redis.call('HMGET', job_key(job.id), unpack(OPTION_FIELDS))
        for i, name in ipairs(OPTION_FIELDS) do job[name] = values[i] or nil end
    end
    if has_option(job, 'l') then job.lane = lane_of(job) end
end

-- `uq`: a letter for how long (s start, f finish, t ttl), then the digest.
local function free_unique(job)
    local key = unique_key(string.sub(job.uq, 2))
    if string.sub(redis.call('GET', key) or '', 1, 16) == job.id then redis.call('DEL', key) end
end
local function frees_unique(job, state)
    local kind = string.sub(job.uq, 1, 1)
    return (kind == 's' and state == 'leased') or (kind ~= 't' and (FINAL[state] or state == 'gone'))
end

local function uncount_bytes(job)
    redis.call('HINCRBY', P .. 'bytes', job.q, -redis.call('HSTRLEN', job_key(job.id), 'p'))
    drop_option(job, 'b')
end

-- What follows from a move, after the job has changed its place and before its fields are written; `gone` is the end.
local function option_moved(job, was, state)
    if job.lane then
        if was == 'leased' and state ~= 'leased' then free_slots(job) end
        if was ~= 'leased' and state == 'leased' then take_slots(job) end
        if job.ok and was ~= state then pass_on(job, state) end
        if job.ok or was == 'ready' then refresh(job.q, job.lane) end
    end
    if job.uq and frees_unique(job, state) then free_unique(job) end
    if has_option(job, 'b') and (FINAL[state] or state == 'gone') then uncount_bytes(job) end
    if has_option(job, 'c') and was == 'leased' and state ~= 'leased' then drop_option(job, 'c') end
    if job.tg and state == 'gone' then
        for tag in string.gmatch(job.tg, '[^' .. SEPARATOR .. ']+') do redis.call('ZREM', tag_key(tag), job.id) end
    end
end
