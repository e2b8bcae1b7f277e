-- acts: what an operator does to one job, by its id; each returns a status, then the job's state; uses lib, settings, lanes, options,
-- moves, records and unique.

local function group_of(queue) return string.match(queue, '^[^.]*') end

-- End it, or (softly) ask its holder to.
local TO_CANCEL = {'t'} -- fields that are needed beside those of every job; so below
local ANSWER = {cancelled = 'cancelled', leased = 'requested'}
local function cancel_one(job, rev, reason, mode)
    if not job.s then return 'not_found', '' end
    if OPEN[job.s] or (job.s == 'leased' and mode == 'hard') then
        call_off(job, rev, has_option(job, 'c') and job.cq or reason)
    elseif job.s == 'leased' and not has_option(job, 'c') then
        set_option(job, 'c')
        redis.call('HSET', job.key, 'cq', reason, 'rv', rev)
        if job.wt and now < job.wt then watched[job.id] = true end
    end
    return ANSWER[job.s] or 'final', job.s
end

-- What an operation on a queue must not do to a job.
local function refusal_to(job, queue)
    if group_of(queue) ~= group_of(job.q) then return 'other_group' end
    if settings(queue).draining then return 'queue_draining' end
end

-- The job that has the key which a job would have to take again.
local function conflict_of(job)
    local holder = job.uq and string.sub(job.uq, 1, 1) ~= 't' and holder_of(digest_of(job))
    return holder and holder ~= job.id and holder
end

-- Open another run of a dead job, in its queue or in another one of the group ('': its own). Third comes the job in the way.
local TO_REDRIVE = {'pr', 'rn'}
local function redrive_one(job, rev, queue)
    if job.s ~= 'dead' then return job.s and 'not_dead' or 'not_found', job.s or '', '' end
    if queue == '' then queue = job.q end
    local refused, conflict = refusal_to(job, queue), conflict_of(job)
    if refused then return refused, job.s, '' end
    if conflict then return 'unique_conflict', job.s, conflict end
    local holds = job.ok and redis.call('HGET', set_key(job.q, 'busy'), job.lane) == job.id
    if queue ~= job.q then relocate(job, queue, job.fk) end
    if job.uq and string.sub(job.uq, 1, 1) ~= 't' then take_unique(job) end
    if job.ex and job.ex <= now then
        redis.call('HDEL', job.key, 'ex')
        drop_option(job, 'e')
        job.ex = nil
    end
    job.at = 1
    local fields = {'rn', text((tonumber(job.rn) or 1) + 1), 'ro', text(now), 'k', before_delivery(job.grant)}
    move(job, 'ready', holds and place_of(job) or new_place(job, rev), rev, fields, {'at', 'cr', 'rs', 'pg', 'ft'})
    return 'ready', job.s, ''
end

-- Give a job that nobody holds another priority, due time or queue of its group; nil: as it was.
local TO_PATCH = {'pr'}
local function patch_one(job, rev, priority, run_ms, queue)
    if not OPEN[job.s] then return not job.s and 'not_found' or FINAL[job.s] and 'final' or job.s, job.s or '' end
    local refused = queue and queue ~= job.q and refusal_to(job, queue)
    if refused then return refused, job.s end
    if queue and queue ~= job.q then relocate(job, queue, job.fk) end
    local fields = priority and {'pr', priority} or {}
    job.pr = priority or job.pr
    if run_ms and run_ms > now then
        postpone(job, job.s == 'ready' and 'scheduled' or job.s, run_ms, rev, fields)
    elseif run_ms or (job.s == 'ready' and (priority or queue)) then
        local place = job.s == 'retrying' and job.ok and place_of(job) or new_place(job, rev)
        if job.s ~= 'ready' then fields[#fields + 1], fields[#fields + 2] = 'ru', now_text end -- it is due now
        move(job, 'ready', place, rev, fields)
    elseif due_of(job) then
        postpone(job, job.s, tonumber(job.ru), rev, fields)
    else
        redis.call('HSET', job.key, 'rv', rev)
    end
    return 'patched', job.s
end

local function delete_one(job, rev)
    if not FINAL[job.s] then return job.s and 'not_final' or 'not_found', job.s or '' end
    remove(job, rev)
    return 'deleted', ''
end

-- Answer each of n jobs by the words of act(job, rev, at), with spaces between them; its id stands at ARGV[at]. ARGV: run id, name
-- of the call, n, then `width` arguments for each job.
local function act_on_each(verb, width, names, act)
    local n, jobs = tonumber(ARGV[3]), nil
    assert(#ARGV == 3 + n * width, verb .. ': wrong number of arguments')
    names = with(unpack(names))
    return answer_once(ARGV[2], n, function(i, rev)
        jobs = jobs or load_all(4, width, n, names)
        local at = 4 + (i - 1) * width
        return table.concat({act(jobs[i] or load(ARGV[at], names), rev, at)}, ' ')
    end)
end
