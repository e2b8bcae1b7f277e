-- records: what becomes of a job's record beside its state: another queue, a failed attempt, its end; uses lib, settings, lanes,
-- options and moves.

-- Out of the structures of its queue and into another queue of the group; a move must follow.
local function relocate(job, queue)
    step_out(job)
    if job.ex then redis.call('ZREM', set_key(job.q, 'expiring'), job.id) end
    if job.ok then pass_on(job, 'ready') end
    if job.lane and refresh(job.q, job.lane) then wake(job.q) end
    if has_option(job, 'b') then uncount_bytes(job) end
    job.q = queue
    mark(queue, job.fk and HAS_TURNS or 0)
    redis.call('HSET', job_key(job.id), 'q', queue)
end

-- The record of a job that nobody holds, and all that stands for it.
local function remove(job, rev)
    if EVENTS_ON then note(job, job.s, 'gone', rev) end
    step_out(job)
    if job.ex then redis.call('ZREM', set_key(job.q, 'expiring'), job.id) end
    if job.o then option_moved(job, job.s, 'gone') end
    if job.wt and now < job.wt then watched[job.id] = true end
    redis.call('UNLINK', job_key(job.id), attempts_key(job.id))
    job.s = false
end

-- Keep one failed attempt: a line of facts, then the error's bytes as they came. For filters its type goes with the fields that
-- are written next.
local function record_attempt(job, kind, err, error_type, fields)
    local worker = (job.w and job.w ~= '') and job.w or '-'
    local facts = {text(job.at), text(job.dl), text(job.st or 0), text(now), kind, worker}
    local key = attempts_key(job.id)
    local kept = redis.call('RPUSH', key, table.concat(facts, ' ') .. '\n' .. err)
    if kept > DEFAULTS.attempts_kept then redis.call('LTRIM', key, -DEFAULTS.attempts_kept, -1) end
    fields[#fields + 1], fields[#fields + 2] = 'er', error_type ~= '' and error_type or '-'
end
