-- enqueue: write groups of jobs; each group as a whole or not at all, or each of its jobs for itself.
-- uses:    lib places deliveries settings cells tallies lanes runs options loading moves records idempotency echo wishes unique refusals births replacing lists alike
-- states:  (new) -> ready, (new) -> scheduled, ready -> ready, ready -> scheduled, scheduled -> ready, scheduled -> scheduled
-- keys:    meta (hash), j:<id> (hash), q:<queue>:{ready,scheduled,expiring} (zset), u:<digest> (string), uniques (zset), tag:<tag> (zset),
--          bytes (hash), idem:<n> (hash), echo:<n> (hash), queues (zset), agenda (zset), and those of its lane
-- args:    run id, number of groups; a group: number of jobs, letters (e: each job for itself; b: a brief answer; a: they are
--          alike), key digest with the fingerprint (16 bytes) behind it, or ''; a job: as in wishes; jobs that are alike: as in alike
-- returns: per group: created, then of each job in one text: its state; unless brief also rev, enqueued_at, run_at or '', expires_at
--          or '', what its queue says ('' or priority max_attempts max_crashes max_runtime, each a number or -) | deduplicated or
--          replaced, id | where each stands for itself also: replayed, id | expired, queue_draining or queue_full | unique_conflict,
--          id of the job that has the key; of jobs that are alike and all new there may be one text, with the rev of the first;
--          or replayed, ids (16 bytes each, joined) | idempotency_mismatch | expired, queue_draining or queue_full, indexes from 0
--          | unique_conflict, ids of the jobs that have the keys (joined), indexes
-- flags:   none
-- cost:    O(log n) per job, and one look-up in each living bucket per key

local groups, queues, digests, keys, total, position = {}, {}, {}, {}, 0, 2
local function take_jobs(group, at)
    for i = 1, group.size do
        local job
        job, at = take_job(at)
        group.jobs[i], group.has_unique = job, group.has_unique or job.on_conflict
        group.may_be_refused = group.may_be_refused or job.on_conflict or job.ex
        if job.q ~= queues[#queues] then queues[#queues + 1] = job.q end
        if group.digest == '' and (group.each or i == 1) then keys[#keys + 1] = job_key(job.id) end
    end
    return at
end
local function take_group(at)
    local size, how, key = tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3]
    local group = {size = size, digest = string.sub(key, 1, -17), fingerprint = string.sub(key, -16), jobs = {}}
    group.each, group.brief, group.alike = string.find(how, 'e', 1, true), string.find(how, 'b', 1, true), string.find(how, 'a', 1, true)
    if key ~= '' then digests[#digests + 1] = group.digest end
    if not group.alike then return group, take_jobs(group, at + 3) end
    local last = take_alike(group, at + 3)
    queues[#queues + 1] = group.head.q
    for i = 1, key ~= '' and 0 or group.each and size or 1 do keys[#keys + 1] = group.keys[i] end
    return group, last
end
for g = 1, tonumber(ARGV[2]) do
    groups[g], position = take_group(position)
    total = total + groups[g].size
end
assert(position == #ARGV, 'enqueue: wrong number of arguments')
know(queues)
recall_all(digests)
look_for(keys)

-- What became of each job, for a call that comes again: the word, then the id.
local function placed_of(jobs)
    local placed = {}
    for i, job in ipairs(jobs) do placed[i] = (job.placed or 'created') .. (job.holder or job.id) end
    return placed
end

local function write(group, rev)
    local answer, ids, met, own = {'created'}, {}, false, group.jobs[1].id -- which it loses where it replaces another job
    for i, job in ipairs(group.jobs) do
        answer[i + 1], ids[i] = bring_in(job, rev + i, group.brief)
        met = met or job.placed
    end
    if met then keep('e' .. own, placed_of(group.jobs)) end
    if group.digest ~= '' then remember(group.digest, group.fingerprint .. table.concat(ids)) end
    return answer
end

local function describe_all(group, placed)
    local answer = {'created'}
    for i, job in ipairs(group.jobs) do answer[i + 1] = describe(job, group.brief, placed and placed[i]) end
    return answer
end

local function enqueue_whole(group, rev)
    local first = group.jobs[1]
    local placed, fingerprint, ids = group.has_unique and heard('e' .. first.id), recall(group.digest)
    if placed or (comes_again and is_there(first)) or (ids and string.sub(ids, 1, 16) == first.id) then return describe_all(group, placed) end
    if fingerprint == group.fingerprint then return {'replayed', ids} end
    if fingerprint then return {'idempotency_mismatch'} end
    for _, job in ipairs(group.jobs) do
        if settings(job.q) ~= NONE then group.may_be_refused = true end
    end
    return group.may_be_refused and refuse(group) or write(group, rev)
end

local function enqueue_group(group, rev)
    if group.alike then
        if is_straight(group) then return stand_alike(group, rev) end
        spread(group)
    end
    return group.each and enqueue_each(group, rev) or enqueue_whole(group, rev)
end

local rev, answers = reserve(total), {}
for g, group in ipairs(groups) do
    answers[g] = enqueue_group(group, rev)
    rev = rev + group.size
end
return finish_script(answers)
