-- tallies: what is counted of each queue and each task, summed up here and written once a script; uses lib, deliveries, settings and cells.
-- A counter is a number of 64 bits at its place in one string; the places are in the order of telemetry/catalogue.py.

local QUEUE_CELLS = {
    enqueued = 0, leased = 1, succeeded = 2, dead = 3, cancelled = 4, expired = 5, failed = 6, retried = 7, lease_lost = 8,
    late = 9, deduplicated = 10, replaced = 11, redriven = 12, removed = 13,
}
local TASK_CELLS = {enqueued = 0, leased = 1, succeeded = 2, failed = 3, retried = 4, dead = 5, cancelled = 6}
local WAIT, RUN, TOTAL = 7, 19, 31 -- histograms: the sum in ms, then a bucket for each bound, then what is above
local BOUNDS_MS = {5, 25, 100, 500, 1000, 5000, 30000, 120000, 600000, 3600000}
local of_queues, of_tasks = {}, {} -- what this script has counted: by word and queue; by task and cell

local function tally(queue, word, n)
    local counts = of_queues[word] or {}
    of_queues[word] = counts
    counts[queue] = (counts[queue] or 0) + (n or 1)
end
local function cells_of_task(task)
    local cells = {}
    of_tasks[task] = cells
    return cells
end
local function tally_both(queue, task, word, n)
    tally(queue, word, n)
    local cells, cell = of_tasks[task] or cells_of_task(task), TASK_CELLS[word]
    cells[cell] = (cells[cell] or 0) + (n or 1)
end

-- The queue is named, as for a job: it has something now.
local function tally_met(queue)
    mark(queue, 0)
    tally(queue, 'deduplicated')
end

-- One more in a histogram of a task.
local bucket_at = {} -- by ms: a batch has the same few again and again
local function observe(task, cell, ms)
    local cells, i = of_tasks[task] or cells_of_task(task), bucket_at[ms]
    if not i then
        i = 1
        while i <= #BOUNDS_MS and ms > BOUNDS_MS[i] do i = i + 1 end
        bucket_at[ms] = i
    end
    cells[cell], cells[cell + i] = (cells[cell] or 0) + ms, (cells[cell + i] or 0) + 1
end

-- When its lease began, its task, and when its run was opened (by the enqueue, or by a redrive): by `k`, if it holds them.
local function started(job) return job.last and job.last.began or '0' end -- as text
local function task_of(job)
    if not job.t then job.t = job.last and job.last.task or redis.call('HGET', job.key, 't') or OTHERS end
    return job.t
end
local function opened_ms(job)
    if job.ca then return ms_of(job.ro or job.ca) end
    if job.last then return job.last.opened_ms end
    local opened = redis.call('HMGET', job.key, 'ro', 'ca')
    return tonumber(opened[1] or opened[2])
end

-- What becomes of a job, for those who read the log of events.
local function note(job, was, state, rev)
    local about = redis.call('HMGET', job_key(job.id), 't', 'k', 'rs')
    local worker = select(6, lease_facts(about[2])) or ''
    if worker == '' then worker = '-' end
    local words = {rev, was or '-', state, text(job.at or 1), now_text, job.q, about[1] or '-', worker, about[3] or ''}
    noted[#noted + 1], noted[#noted + 2] = job.id, table.concat(words, ' ')
end

-- A job has come into another state than it had.
local MOVED = {leased = 'leased', succeeded = 'succeeded', dead = 'dead', cancelled = 'cancelled', retrying = 'retried'}
local function tally_move(job, was, state, rev)
    local word = MOVED[state]
    if word then
        tally_both(job.q, task_of(job), word)
    elseif was == 'dead' then
        tally(job.q, 'redriven')
    end
    if EVENTS_ON then note(job, was, state, text(rev)) end
end

-- A queue is gone, and what this script has counted of it.
local function drop_tallies(queue)
    local first = first_cell(queue)
    if first == 0 then return end
    for _, counts in pairs(of_queues) do counts[queue] = nil end
    leave_seat(first)
end

local function write_tallies()
    local cells = {}
    for word, counts in pairs(of_queues) do
        for queue, n in pairs(counts) do cells[first_cell(queue) + QUEUE_CELLS[word]] = n end
    end
    write_seats(cells)
    know_tasks(of_tasks)
    for task, cells in pairs(of_tasks) do write_cells(task_key(task), cells) end
end
at_end[#at_end + 1] = write_tallies
