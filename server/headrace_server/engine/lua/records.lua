-- records: what becomes of a job's record beside its state: another queue, a failed attempt, its end; uses lib, places, deliveries, settings, lanes,
-- options and moves.

-- Out of the structures of its queue and into another queue of the group, with this fairness key from then on; a move must follow.
local function relocate(job, queue, fk)
    step_out(job)
    if job.ex then take_out(set_key(job.q, 'expiring'), job.id) end
    if job.ok then pass_on(job, 'ready') end
    if job.lane and refresh(job.q, job.lane) then wake(job.q) end
    if has_option(job, 'b') then uncount_bytes(job) end
    job.q = queue
    mark(queue, fk and HAS_TURNS or 0)
    redis.call('HSET', job.key, 'q', queue)
end

-- What stands for a job that nobody holds, beside its place and its record: these must go next.
local function clear(job, rev)
    tally(job.q, 'removed')
    if EVENTS_ON then note(job, job.s, 'gone', text(rev)) end
    if job.ex then take_out(set_key(job.q, 'expiring'), job.id) end
    if job.o then option_moved(job, job.s, 'gone') end
    if job.wt and now < job.wt then watched[job.id] = true end
end
local function remove(job, rev)
    step_out(job)
    clear(job, rev)
    redis.call('UNLINK', job.key, attempts_key(job.id))
    job.s = false
end

-- Keep one failed attempt: a line of facts, then the error's bytes as they came. The first one lies in the job's record if it is
-- short, and all others in a list. For filters its type goes with the fields that are written next.
local function record_attempt(job, kind, err, error_type, fields)
    local delivery, _, _, _, _, worker = lease_facts(job.grant)
    if worker == '' then worker = '-' end
    local record = text(job.at) .. ' ' .. delivery .. ' ' .. started(job) .. ' ' .. now_text .. ' ' .. kind .. ' ' .. worker .. '\n' .. err
    local n = #fields
    fields[n + 1], fields[n + 2] = 'er', error_type ~= '' and error_type or '-'
    if not job.er and #record <= DEFAULTS.short_attempt_bytes then
        fields[n + 3], fields[n + 4] = 'fa', record
    else
        local kept = redis.call('RPUSH', attempts_key(job.id), record)
        if kept > DEFAULTS.attempts_kept then redis.call('LTRIM', attempts_key(job.id), -DEFAULTS.attempts_kept, -1) end
    end
end
