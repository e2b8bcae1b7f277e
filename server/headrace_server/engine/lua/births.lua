-- births: writes a new job, or lets one that nobody has started become it; uses lib, settings, lanes, options, moves, unique and refusals.

-- What a job was asked to be: one that is replaced loses all of it.
local WISHES = {
    't', 'p', 'pt', 'pr', 'le', 're', 'mc', 'ma', 'rp', 'm', 'tr', 'o', 'fk', 'ok', 'oh', 'li', 'fw', 'uq', 'tg', 'mx', 'rl', 'me',
    'nr', 'ox', 'ex', 'ru', 'rs',
}

-- What the queue says of its jobs, for an answer; '' where it says nothing.
local said = {}
local function said_by(queue)
    if not said[queue] then
        local own, words = settings(queue), {}
        for i, name in ipairs({'priority', 'max_attempts', 'max_crashes', 'max_runtime_ms'}) do
            words[i] = own[name] and text(own[name]) or '-'
        end
        said[queue] = next(own) and table.concat(words, ' ') or ''
    end
    return said[queue]
end

-- Options that are not fields alone. The job is in no structure yet.
local function prepare(job)
    if settings(job.q).max_bytes then
        job.o = (job.o or '') .. 'b'
        redis.call('HINCRBY', BYTES, job.q, #job.fields[4])
    end
    if not job.o then return end
    need_options()
    job.fields[#job.fields + 1], job.fields[#job.fields + 2] = 'o', job.o
    if has_option(job, 'l') then job.lane = lane_of(job) end
end

-- Write a job: a new one, or (from the state `was`) one that becomes it. Return its description.
local function stand(job, rev, was)
    local key, queue, rev_text = job_key(job.id), job.q, text(rev)
    local run_ms = job.run_ms and job.run_ms > now and job.run_ms
    local state, enqueued = run_ms and 'scheduled' or 'ready', job.ca or text(now)
    prepare(job)
    redis.call('HSET', key, 'q', queue, 's', state, 'rv', rev_text, 'ca', enqueued, unpack(job.fields))
    mark(queue, 0)
    if depths[queue] then depths[queue] = depths[queue] + 1 end
    if job.ex then
        redis.call('HSET', key, 'ex', text(job.ex))
        redis.call('ZADD', set_key(queue, 'expiring'), text(job.ex), job.id)
        plan('expire', queue, job.ex)
    end
    if run_ms then
        redis.call('HSET', key, 'ru', text(run_ms))
        redis.call('ZADD', set_key(queue, 'scheduled'), text(run_ms), job.id)
        plan('promote', queue, run_ms)
    else
        local place = new_place(job, rev)
        if job.lane then join(job, place) else redis.call('ZADD', set_key(queue, 'ready'), text(place), job.id) end
        wake(queue)
    end
    if job.uq then take_unique(job, job.ttl_ms) end
    for tag in string.gmatch(job.tg or '', '[^' .. SEPARATOR .. ']+') do redis.call('ZADD', tag_key(tag), rev_text, job.id) end
    if EVENTS_ON and was ~= state then note(job, was, state, rev_text) end
    return state, rev_text, enqueued, run_ms and text(run_ms) or '', job.ex and text(job.ex) or '', said_by(queue)
end

-- Let the job that has the key become this one: same id, enqueued then, with the history it has.
local function replace(job, rev)
    local old = load(job.holder, with('ca', 'dl'))
    relocate(old, job.q)
    if old.o then drop_tags(old) end
    redis.call('HDEL', job_key(old.id), unpack(WISHES))
    job.id, job.ca, depths = old.id, old.ca, {}
    if has_option(old, 'w') then job.o = (job.o or '') .. 'w' end
    if old.wt and now < old.wt then watched[old.id] = true end
    stand(job, rev, old.s)
end
