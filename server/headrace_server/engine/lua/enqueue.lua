-- enqueue: write groups of jobs; each group as a whole or not at all.
-- uses:    lib settings lanes options moves idempotency
-- states:  (new) -> ready, (new) -> scheduled
-- keys:    meta (hash), j:<id> (hash), q:<queue>:{ready,scheduled,expiring} (zset), idem:<n> (hash), queues (zset), agenda (zset)
-- args:    run id, number of groups; a group: number of jobs, key digest (16 bytes or ''), fingerprint (16 bytes or '');
--          a job: id, queue, priority, run time, expiry ('' or unix ms or '+' and ms from now), number of fields, fields
-- returns: per group: created, then state, rev, enqueued_at, run_at, expires_at of each job | replayed, ids (16 bytes each, joined)
--          | idempotency_mismatch | expired, indexes from 0
-- flags:   none
-- cost:    O(log n) per job, and one look-up in each living bucket per key

local position = 2
local function take()
    position = position + 1
    return ARGV[position]
end
local function instant(s)
    if s == '' then return nil end
    return string.sub(s, 1, 1) == '+' and now + tonumber(string.sub(s, 2)) or tonumber(s)
end

local groups, total = {}, 0
for g = 1, tonumber(ARGV[2]) do
    local group = {size = tonumber(take()), digest = take(), fingerprint = take(), jobs = {}, ids = {}}
    for i = 1, group.size do
        local job = {id = take(), q = take(), priority = tonumber(take()), run_ms = instant(take()), ex = instant(take())}
        local n = tonumber(take())
        job.fields = {unpack(ARGV, position + 1, position + n)}
        position = position + n
        group.jobs[i], group.ids[i] = job, job.id
    end
    groups[g], total = group, total + group.size
end
assert(position == #ARGV, 'enqueue: wrong number of arguments')

-- Write one job and add its description to the answer.
local function write(job, rev, answer)
    local scheduled = job.run_ms and job.run_ms > now
    job.state = scheduled and 'scheduled' or 'ready'
    redis.call('HSET', job_key(job.id), 'q', job.q, 's', job.state, 'rv', text(rev), 'ca', text(now), unpack(job.fields))
    mark(job.q, 0)
    if job.ex then
        redis.call('HSET', job_key(job.id), 'ex', text(job.ex))
        redis.call('ZADD', set_key(job.q, 'expiring'), text(job.ex), job.id)
        plan('expire', job.q, job.ex)
    end
    if scheduled then
        redis.call('HSET', job_key(job.id), 'ru', text(job.run_ms))
        redis.call('ZADD', set_key(job.q, 'scheduled'), text(job.run_ms), job.id)
        plan('promote', job.q, job.run_ms)
    else
        redis.call('ZADD', set_key(job.q, 'ready'), text(ready_score(job.priority, rev)), job.id)
        wake(job.q)
    end
    for _, word in ipairs({
        job.state, text(rev), text(now), scheduled and text(job.run_ms) or '', job.ex and text(job.ex) or '',
    }) do answer[#answer + 1] = word end
end

-- The same call once more, after its answer was lost between server and store: describe what it wrote.
local function describe(group)
    local answer = {'created'}
    for _, job in ipairs(group.jobs) do
        local v = redis.call('HMGET', job_key(job.id), 's', 'rv', 'ca', 'ru', 'ex')
        for i = 1, 5 do answer[#answer + 1] = v[i] or '' end
    end
    return answer
end

local function enqueue(group, rev)
    if redis.call('EXISTS', job_key(group.ids[1])) == 1 then return describe(group) end
    if group.digest ~= '' then
        local fingerprint, ids = recall(group.digest)
        if fingerprint == group.fingerprint then return {'replayed', ids} end
        if fingerprint then return {'idempotency_mismatch'} end
    end
    local expired = {'expired'}
    for i, job in ipairs(group.jobs) do
        if job.ex and job.ex <= now then expired[#expired + 1] = text(i - 1) end
    end
    if #expired > 1 then return expired end
    local answer = {'created'}
    for i, job in ipairs(group.jobs) do write(job, rev + i, answer) end
    if group.digest ~= '' then remember(group.digest, group.fingerprint .. table.concat(group.ids)) end
    return answer
end

local rev, answers = reserve(total), {}
for g, group in ipairs(groups) do
    answers[g] = enqueue(group, rev)
    rev = rev + group.size
end
return finish_script(answers)
