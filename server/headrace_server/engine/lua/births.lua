-- births: reads the options of a new job, writes it, and describes it; uses lib, places, settings, lanes, options, moves, unique and refusals.

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

-- Read the options of a new job, and those of its fields that they speak of, as the arguments have them.
local function take_options(job, options)
    job.o, job.on_conflict, job.ttl_ms = string.match(options, '^(%a+) ?(%a*) ?(%d*)$')
    job.on_conflict, job.ttl_ms = job.on_conflict ~= '' and job.on_conflict or nil, tonumber(job.ttl_ms)
    for i = 1, #job.fields, 2 do
        if job.fields[i] ~= 'p' then job[job.fields[i]] = job.fields[i + 1] end
    end
end

-- Options that are not fields alone: before the job is in any structure, and then.
local function prepare_options(job)
    job.fields[#job.fields + 1], job.fields[#job.fields + 2] = 'o', job.o
    if has_option(job, 'b') then redis.call('HINCRBY', BYTES, job.q, #job.fields[4]) end
    if not has_option(job, 'l') then return end
    job.lane = lane_of(job)
    if job.fk then mark(job.q, HAS_TURNS) end
end
local function note_options(job, rev_text)
    if job.uq then take_unique(job, job.ttl_ms) end
    for tag in string.gmatch(job.tg or '', '[^\31]+') do lay(tag_key(tag), rev_text, job.id) end
end

-- What an answer says of a new job, with spaces between the words; the last ones are those of its queue.
local function in_words(state, rev_text, enqueued, run, ex, queue)
    return state .. ' ' .. rev_text .. ' ' .. enqueued .. ' ' .. run .. ' ' .. ex .. ' ' .. said_by(queue)
end

-- Write a job: a new one, or (from the state `was`) one that becomes it. Return its description.
local function stand(job, rev, was)
    local key, queue, rev_text = job_key(job.id), job.q, text(rev)
    local run_ms = job.run_ms and job.run_ms > now and job.run_ms
    local state, enqueued = run_ms and 'scheduled' or 'ready', job.ca or now_text
    if settings(queue).max_bytes then job.o = (job.o or '') .. 'b' end
    if job.o then prepare_options(job) end
    local run, ex, fields = run_ms and time_text(run_ms) or '', job.ex and time_text(job.ex) or '', job.fields
    if job.ex then fields[#fields + 1], fields[#fields + 2] = 'ex', ex end
    if run_ms then fields[#fields + 1], fields[#fields + 2] = 'ru', run end
    redis.call('HSET', key, 'q', queue, 's', state, 'rv', rev_text, 'ca', enqueued, unpack(fields))
    mark(queue, 0)
    if not was then tally_both(queue, fields[2], 'enqueued') end
    if depths[queue] then depths[queue] = depths[queue] + 1 end
    if job.ex then
        lay(set_key(queue, 'expiring'), ex, job.id)
        plan('expire', queue, job.ex)
    end
    if run_ms then
        lay(set_key(queue, 'scheduled'), run, job.id)
        plan('promote', queue, run_ms)
    else
        local place = new_place(job, rev)
        if job.lane then join(job, place) else lay(set_key(queue, 'ready'), place, job.id) end
        wake(queue)
    end
    if job.o then note_options(job, rev_text) end
    if EVENTS_ON and was ~= state then note(job, was, state, rev_text) end
    return in_words(state, rev_text, enqueued, run, ex, queue)
end

-- The same call once more, after its answer was lost between server and store: describe what it wrote.
local function describe(group, placed)
    local answer = {'created'}
    for i, job in ipairs(group.jobs) do
        local v = redis.call('HMGET', job_key(job.id), 's', 'rv', 'ca', 'ru', 'ex')
        local place = placed and string.sub(placed[i], 1, -17) or 'created'
        if place ~= 'created' then
            answer[i + 1] = place .. ' ' .. string.sub(placed[i], -16)
        else -- one that is gone already was ready once
            local waits = v[1] == 'scheduled' or v[1] == 'retrying'
            answer[i + 1] = in_words(v[1] or 'ready', v[2] or '0', v[3] or now_text, waits and v[4] or '', v[5] or '', job.q)
        end
    end
    return answer
end
