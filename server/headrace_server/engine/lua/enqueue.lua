-- enqueue: write groups of jobs; each group as a whole or not at all.
-- uses:    lib places settings cells tallies lanes runs options loading moves records idempotency echo unique refusals births replacing
-- states:  (new) -> ready, (new) -> scheduled, ready -> ready, ready -> scheduled, scheduled -> ready, scheduled -> scheduled
-- keys:    meta (hash), j:<id> (hash), q:<queue>:{ready,scheduled,expiring} (zset), u:<digest> (string), uniques (zset), tag:<tag> (zset),
--          bytes (hash), idem:<n> (hash), echo:<n> (hash), queues (zset), agenda (zset), and those of its lane
-- args:    run id, number of groups; a group: number of jobs, key digest (16 bytes or ''), fingerprint (16 bytes or '');
--          a job: id, queue, priority or '', run time, expiry ('' or unix ms or '+' and ms from now), options (the letters of `o`; with
--          u then on_conflict and perhaps a ttl in ms, between spaces), number of fields, fields (first t and p)
-- returns: per group: created, then of each job in one text: state, rev, enqueued_at, run_at or '', expires_at or '', what its queue says
--          ('' or priority max_attempts max_crashes max_runtime, each a number or -) | deduplicated or replaced, id;
--          or replayed, ids (16 bytes each, joined) | idempotency_mismatch | expired, queue_draining or queue_full, indexes from 0
--          | unique_conflict, ids of the jobs that have the keys (joined), indexes
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

local groups, queues, total = {}, {}, 0
for g = 1, tonumber(ARGV[2]) do
    local group = {size = tonumber(take()), digest = take(), fingerprint = take(), jobs = {}}
    for i = 1, group.size do
        local at = position
        local options, n = ARGV[at + 6], tonumber(ARGV[at + 7])
        local job = {
            id = ARGV[at + 1], q = ARGV[at + 2], pr = ARGV[at + 3], run_ms = instant(ARGV[at + 4]), ex = instant(ARGV[at + 5]),
            fields = {unpack(ARGV, at + 8, at + 7 + n)},
        }
        position = at + 7 + n
        if options ~= '' then take_options(job, options) end
        group.jobs[i], group.has_unique = job, group.has_unique or job.on_conflict
        group.may_be_refused, queues[#queues + 1] = group.may_be_refused or job.on_conflict or job.ex, job.q
    end
    group.call = 'e' .. group.jobs[1].id
    groups[g], total = group, total + group.size
end
assert(position == #ARGV, 'enqueue: wrong number of arguments')
know(queues)

-- What became of each job, for a call that comes again: the word, then the id.
local function placed_of(group)
    local placed = {}
    for i, job in ipairs(group.jobs) do placed[i] = (job.placed or 'created') .. (job.holder or job.id) end
    return placed
end

local function write(group, rev)
    local answer, met = {'created'}, false
    for i, job in ipairs(group.jobs) do
        if job.placed == 'replaced' then replace(job, rev + i) end
        if job.placed == 'deduplicated' then tally_met(job.q) end
        answer[i + 1], met = job.placed and job.placed .. ' ' .. job.holder or stand(job, rev + i), met or job.placed
    end
    if met then keep(group.call, placed_of(group)) end
    if group.digest ~= '' then
        local ids = {}
        for i, job in ipairs(group.jobs) do ids[i] = job.holder or job.id end
        remember(group.digest, group.fingerprint .. table.concat(ids))
    end
    return answer
end

local function enqueue(group, rev)
    local placed = group.has_unique and heard(group.call)
    if placed or redis.call('EXISTS', job_key(group.jobs[1].id)) == 1 then return describe(group, placed) end
    if group.digest ~= '' then
        local fingerprint, ids = recall(group.digest)
        if fingerprint == group.fingerprint then return {'replayed', ids} end
        if fingerprint then return {'idempotency_mismatch'} end
    end
    for _, job in ipairs(group.jobs) do
        if settings(job.q) ~= NONE then group.may_be_refused = true end
    end
    return group.may_be_refused and refuse(group) or write(group, rev)
end

local rev, answers = reserve(total), {}
for g, group in ipairs(groups) do
    answers[g] = enqueue(group, rev)
    rev = rev + group.size
end
return finish_script(answers)
