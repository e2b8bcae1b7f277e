-- loading: what a job's record says, read for one job or for many; uses lib, deliveries, settings, lanes and options.

-- The fields that every rule looks at, and those that a verb's own rule needs. Each is a walk through a small hash.
local function with(...) return {'q', 's', 'k', 'at', 'o', ...} end -- in this order

-- Read what a job's last lease left: `grant` is `k` as it is, and `k` then the token alone (nil: none that holds).
local function understand_grant(job)
    local words = job.k
    local last = lease_of(words)
    if job.s == 'leased' then job.deadline = last.deadline_ms end
    job.last, job.grant, job.k = last, words, string.sub(words, 1, 16)
    if job.k == NO_TOKEN then job.k = nil end
end

-- Load fields of a job; job.s is false for an unknown id.
local function load(id, names)
    local key = JOB .. id
    local v = redis.call('HMGET', key, unpack(names))
    local job = { -- with a place for each that most verbs want: a table that grows is made anew each time
        id = id, key = key, q = v[1], s = v[2], k = v[3], at = v[4], o = v[5], cr = 0,
        deadline = nil, last = nil, grant = nil, ru = nil, ks = nil, t = nil, ex = nil,
    }
    for i = 6, #names do
        local name, value = names[i], v[i]
        if value then job[name] = NUMERIC[name] and tonumber(value) or value end
    end
    job.at = job.at and tonumber(job.at) or 1
    if job.k then understand_grant(job) end
    if job.o then load_options(job) end
    return job
end

-- Load the jobs of n items, whose ids are arguments from `first` on and `width` further each, to look at their queues at once.
-- No item changes the record of another's job; one that comes again is false here, and is to be loaded at its turn.
local function load_all(first, width, n, names)
    local jobs, queues, seen = {}, {}, {}
    for i = 1, n do
        local id = ARGV[first + (i - 1) * width]
        local job = not seen[id] and load(id, names)
        jobs[i], seen[id] = job, true
        if job and job.q and job.q ~= queues[#queues] then queues[#queues + 1] = job.q end
    end
    know(queues)
    return jobs
end

-- When a job that waits is due, as text. The field stays when the wait is over.
local function due_of(job)
    if job.s ~= 'scheduled' and job.s ~= 'retrying' then return nil end
    job.ru = job.ru or redis.call('HGET', job.key, 'ru')
    return job.ru
end
