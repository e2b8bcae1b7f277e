-- births: writes a new job, and describes it; uses lib, places, settings, lanes, options, moves, wishes, unique and refusals.

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

-- Options that are not fields alone: before the job is in any structure, and then.
local function prepare_options(job, more)
    more[#more + 1], more[#more + 2] = 'o', job.o
    if has_option(job, 'b') then redis.call('HINCRBY', BYTES, job.q, #job.p) end
    if not has_option(job, 'l') then return end
    job.lane = lane_of(job)
    if job.fk then mark(job.q, HAS_TURNS) end
end
local function note_options(job, rev_text)
    if job.uq then take_unique(job, job.ttl_ms) end
    for tag in string.gmatch(job.tg or '', '[^\31]+') do lay(tag_key(tag), rev_text, job.id) end
end

-- What an answer says of a new job, with spaces between the words; the last ones are those of its queue. A brief one is one word.
local function in_words(state, rev_text, enqueued, run, ex, queue)
    return state .. ' ' .. rev_text .. ' ' .. enqueued .. ' ' .. run .. ' ' .. ex .. ' ' .. said_by(queue)
end

-- What a new job has in its record beside what every job has.
local function other_fields(job, run, ex)
    local more = job.fields or {}
    if job.o then prepare_options(job, more) end
    if ex then more[#more + 1], more[#more + 2] = 'ex', ex end
    if run then more[#more + 1], more[#more + 2] = 'ru', run end
    return more
end

-- What the new jobs of a queue have in common: a call mostly has many of one.
local homes = {}
local function home_of(queue)
    local home = homes[queue]
    if not home then
        mark(queue, 0)
        home = {ready = set_key(queue, 'ready'), counts_bytes = settings(queue).max_bytes, priority = resolve(nil, queue, 'priority')}
        homes[queue] = home
    end
    return home
end

local function write_record(key, queue, state, rev, enqueued, task, payload, more)
    if more then
        redis.call('HSET', key, 'q', queue, 's', state, 'rv', rev, 'ca', enqueued, 't', task, 'p', payload, unpack(more))
    else
        redis.call('HSET', key, 'q', queue, 's', state, 'rv', rev, 'ca', enqueued, 't', task, 'p', payload)
    end
end

-- The state in which a job begins, and as text the instant until which it waits.
local function beginning_of(job)
    local run = job.run_ms and job.run_ms > now and time_text(job.run_ms)
    return run and 'scheduled' or 'ready', run
end

-- Write a job: a new one, or (from the state `was`) one that becomes it. Return its description.
local function stand(job, rev, brief, was)
    local queue, rev_text = job.q, text(rev)
    local state, run = beginning_of(job)
    local enqueued = job.ca or now_text
    local home = home_of(queue)
    if home.counts_bytes then job.o = (job.o or '') .. 'b' end
    local ex = job.ex and time_text(job.ex)
    local more = (job.fields or job.o or run or ex) and other_fields(job, run, ex)
    write_record(job_key(job.id), queue, state, rev_text, enqueued, job.t, job.p, more)
    if not was then tally_both(queue, job.t, 'enqueued') end
    if depths[queue] then depths[queue] = depths[queue] + 1 end
    if ex then
        lay(set_key(queue, 'expiring'), ex, job.id)
        plan('expire', queue, job.ex)
    end
    if run then
        lay(set_key(queue, 'scheduled'), run, job.id)
        plan('promote', queue, job.run_ms)
    else
        local place = job.pr and new_place(job, rev) or ready_score(home.priority, rev)
        if job.lane then join(job, place) else lay(home.ready, place, job.id) end
        wake(queue)
    end
    if job.o then note_options(job, rev_text) end
    if EVENTS_ON and was ~= state then note(job, was, state, rev_text) end
    return brief and state or in_words(state, rev_text, enqueued, run or '', ex or '', queue)
end
