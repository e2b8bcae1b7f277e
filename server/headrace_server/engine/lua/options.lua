-- options: the rarer wishes of a job and what they do at its moves; uses lib, places, settings, lanes and runs.
-- A job names those that it has by letters in its field `o`: looking for a field that is not there costs as much as
-- reading one, and most jobs have none of these.

local OPTION_FIELDS = {
    e = {'ex'}, -- expires
    k = {'re'}, -- keeps its record for a time of its own
    w = {'wt'}, -- is watched
    l = {'fk', 'fw', 'ok', 'oh', 'li'}, -- lies in a lane: fairness, ordering, limits
    u = {'uq'}, -- unique
    t = {'tg'}, -- tags
    r = {'nr', 'ox', 'me'}, -- rarer rules of retrying
    v = {'rl'}, -- its result ends before its record may
    b = {}, -- its payload is counted
    c = {'cq'}, -- was asked to end
    s = {'sd'}, -- is of a schedule
}

local NUMERIC = {ex = true, re = true, wt = true, cr = true} -- fields that are loaded as numbers

local function drop_option(job, letter)
    job.o = string.gsub(job.o, letter, '')
    if job.o ~= '' then return redis.call('HSET', job_key(job.id), 'o', job.o) end
    job.o = nil
    redis.call('HDEL', job_key(job.id), 'o')
end

-- Of a job of which all fields are loaded.
local function number_options(job)
    for name in pairs(NUMERIC) do job[name] = tonumber(job[name]) end
    if has_option(job, 'l') then job.lane = lane_of(job) end
end

-- Complete a job of which the core fields are loaded.
local function load_options(job)
    if job.o ~= '' then
        local names = {'s'} -- HMGET wants one at least
        for letter in string.gmatch(job.o, '.') do
            for _, name in ipairs(OPTION_FIELDS[letter] or {}) do names[#names + 1] = name end
        end
        local values = redis.call('HMGET', job_key(job.id), unpack(names))
        for i, name in ipairs(names) do job[name] = NUMERIC[name] and tonumber(values[i]) or values[i] or nil end
    end
    if has_option(job, 'l') then job.lane = lane_of(job) end
end

-- An ordering key is busy from the lease of one of its jobs until that job neither runs nor waits for a retry. A dead
-- job may hold it longer.
local function keeps_busy(job, state)
    return state == 'leased' or state == 'retrying' or (state == 'dead' and job.oh == '1')
end
local function pass_on(job, state)
    local busy = set_key(job.q, 'busy')
    if state == 'leased' then
        redis.call('HSET', busy, job.lane, job.id)
    elseif not keeps_busy(job, state) and redis.call('HGET', busy, job.lane) == job.id then
        redis.call('HDEL', busy, job.lane)
    elseif state == 'retrying' then
        redis.call('HSETNX', busy, job.lane, job.id) -- a late nack: it was back in line already
    end
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
    local left = redis.call('HINCRBY', BYTES, job.q, -redis.call('HSTRLEN', job_key(job.id), 'p'))
    if left <= 0 then redis.call('HDEL', BYTES, job.q) end
    drop_option(job, 'b')
end

local function drop_tags(job)
    for tag in string.gmatch(job.tg or '', '[^' .. SEPARATOR .. ']+') do take_out(tag_key(tag), job.id) end
end

-- What follows from a move, after the job has changed its place and before its fields are written; `gone` is the end.
local function option_moved(job, was, state)
    if job.lane then
        if was == 'leased' and state ~= 'leased' then free_slots(job) end
        if was ~= 'leased' and state == 'leased' then take_slots(job) end
        if job.ok and was ~= state then pass_on(job, state) end
        if (job.ok or was == 'ready') and refresh(job.q, job.lane) then wake(job.q) end
    end
    if job.uq and frees_unique(job, state) then free_unique(job) end
    if has_option(job, 'b') and (FINAL[state] or state == 'gone') then uncount_bytes(job) end
    if has_option(job, 'c') and was == 'leased' and state ~= 'leased' then drop_option(job, 'c') end
    if has_option(job, 'v') and state == 'gone' then take_out(set_key(job.q, 'results'), job.id) end
    if job.sd and not FINAL[was] then end_run(job, state) end
    if state == 'gone' then drop_tags(job) end
end
