-- lists: jobs of a group that each stand for themselves; uses lib, settings, idempotency, echo, unique, refusals, births and replacing.

-- Whether jobs are there already: their call comes again then, because its answer was lost. Of a key its record says the same.
local comes_again = false
local function look_for(keys)
    comes_again = #keys > 0 and redis.call('EXISTS', unpack(keys)) > 0
end
local function is_there(job) return redis.call('EXISTS', job_key(job.id)) == 1 end

-- The same call once more, after its answer was lost between server and store: describe what it wrote of a job. `placed` is what it
-- kept of one that met another: what became of it, then an id.
local function describe(job, brief, placed)
    local place = placed and string.sub(placed, 1, -17) or 'created'
    if place ~= 'created' then return place .. ' ' .. string.sub(placed, -16) end
    local v = redis.call('HMGET', job_key(job.id), 's', 'rv', 'ca', 'ru', 'ex')
    local state = v[1] or 'ready' -- one that is gone already was ready once
    local run = (state == 'scheduled' or state == 'retrying') and v[4] or ''
    return brief and state or in_words(state, v[2] or '0', v[3] or now_text, run, v[5] or '', job.q)
end

local NOBODY = string.rep('\0', 16) -- in the record of a key, for a job that was kept out: it may be tried again

-- What keeps one job out, in words; nil if nothing does.
local function refuse_one(job)
    if not (job.on_conflict or job.ex or settings(job.q) ~= NONE) then return nil end
    local refused = refuse({jobs = {job}, has_unique = job.on_conflict})
    if not refused then return nil end
    return refused[1] == 'unique_conflict' and refused[1] .. ' ' .. refused[2] or refused[1]
end

-- Write one job, unless something keeps it out. Return what became of it, and the id that the key stands for.
local function enqueue_one(job, rev, brief)
    local refused, own = refuse_one(job), job.id -- which it loses where it replaces another job
    if refused then return refused, NOBODY end
    local answer, id = bring_in(job, rev, brief)
    if job.placed then keep('e' .. own, {job.placed .. id}) end
    return answer, id
end

-- The id that the key stood for before: nil for a job that was kept out then.
local function id_of(ids, i)
    local id = ids and string.sub(ids, 16 * i - 15, 16 * i)
    return id and id ~= NOBODY and id ~= '' and id or nil
end

local function enqueue_each(group, rev)
    local fingerprint, ids = recall(group.digest)
    if fingerprint and fingerprint ~= group.fingerprint then return {'idempotency_mismatch'} end
    local answer, kept, is_news = {'created'}, {}, false
    for i, job in ipairs(group.jobs) do
        local earlier, placed = id_of(ids, i), job.on_conflict and heard('e' .. job.id)
        if placed or earlier == job.id or (comes_again and is_there(job)) then
            answer[i + 1], kept[i] = describe(job, group.brief, placed and placed[1]), earlier or job.id
        elseif earlier then
            answer[i + 1], kept[i] = 'replayed ' .. earlier, earlier
        else
            answer[i + 1], kept[i] = enqueue_one(job, rev + i, group.brief)
            is_news = is_news or kept[i] ~= NOBODY
        end
    end
    if is_news and group.digest ~= '' then remember(group.digest, group.fingerprint .. table.concat(kept)) end
    return answer
end
