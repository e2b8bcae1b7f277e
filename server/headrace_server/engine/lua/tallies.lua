-- tallies: what is counted of each queue and each task, summed up here and written once a script; uses lib, settings and cells.
-- A counter is a number of 64 bits at its place in one string; the places are in the order of telemetry/catalogue.py.

local QUEUE_CELLS = {
    enqueued = 0, leased = 1, succeeded = 2, dead = 3, cancelled = 4, expired = 5, failed = 6, retried = 7, lease_lost = 8,
    late = 9, deduplicated = 10, replaced = 11, redriven = 12, removed = 13,
}
local TASK_CELLS = {enqueued = 0, leased = 1, succeeded = 2, failed = 3, retried = 4, dead = 5, cancelled = 6}
local WAIT, RUN, TOTAL = 7, 19, 31 -- histograms: the sum in ms, then a bucket for each bound, then what is above
local BOUNDS_MS = {5, 25, 100, 500, 1000, 5000, 30000, 120000, 600000, 3600000}
local of_queues, of_tasks = {}, {} -- what this script has counted

local function tally(queue, word) add(of_queues, queue, QUEUE_CELLS[word], 1) end
local function tally_both(queue, task, word)
    add(of_queues, queue, QUEUE_CELLS[word], 1)
    add(of_tasks, task, TASK_CELLS[word], 1)
end

-- The queue is named, as for a job: it has something now.
local function tally_met(queue)
    mark(queue, 0)
    tally(queue, 'deduplicated')
end

-- One more in a histogram of a task.
local function observe(task, cell, ms)
    local i = 1
    while i <= #BOUNDS_MS and ms > BOUNDS_MS[i] do i = i + 1 end
    add(of_tasks, task, cell, ms)
    add(of_tasks, task, cell + i, 1)
end

-- What is read for this alone, where the verb has not loaded it.
local function task_of(job)
    job.t = job.t or redis.call('HGET', job.key, 't') or OTHERS
    return job.t
end
local function opened_ms(job) -- when its run was: by the enqueue, or by a redrive
    if not job.ca then job.ro, job.ca = unpack(redis.call('HMGET', job.key, 'ro', 'ca')) end
    return tonumber(job.ro or job.ca)
end

-- A job has come into another state than it had.
local MOVED = {leased = 'leased', succeeded = 'succeeded', dead = 'dead', cancelled = 'cancelled', retrying = 'retried'}
local function tally_move(job, was, state, rev_text)
    local word = MOVED[state]
    if word then
        tally_both(job.q, task_of(job), word)
    elseif was == 'dead' then
        tally(job.q, 'redriven')
    end
    if EVENTS_ON then note(job, was, state, rev_text) end
end

-- A queue is gone, and what this script has counted of it.
local function drop_tallies(queue)
    of_queues[queue] = nil
    redis.call('UNLINK', tally_key(queue))
end

local function write_tallies()
    know_tasks(of_tasks)
    for queue, cells in pairs(of_queues) do write_cells(tally_key(queue), cells) end
    for task, cells in pairs(of_tasks) do write_cells(task_key(task), cells) end
end
at_end[#at_end + 1] = write_tallies
