-- heartbeat: workers live, are this and hold that; or they say goodbye. A new process of an id begins with the directive run.
-- uses:    lib fleet
-- states:  none
-- keys:    meta, fleet:w:<worker>, fleet:directives (hash), fleet:workers, fleet:names, agenda (zset)
-- args:    run id, number of workers; a worker: id, for how long it is up in ms, final ('1' or ''), number of leases, ids of jobs
--          (16 bytes each, joined), whether it says what it is ('1' or ''), and if so: facts (opaque), queues and tasks (each
--          between separators; '' if it does not say), takes jobs ('1' or ''), process ('' if it does not say)
-- returns: per worker: its directive
-- flags:   allow-oom
-- cost:    O(log n) per worker

local position = 2
local function take()
    position = position + 1
    return ARGV[position]
end

-- Room for one more record: that of the worker which was lost first.
local function make_room()
    if redis.call('ZCARD', WORKERS) < DEFAULTS.max_workers then return true end
    local lost = redis.call('ZRANGEBYSCORE', WORKERS, '-inf', text(now), 'LIMIT', 0, 1)[1]
    if lost then drop_worker(lost) end
    return lost
end

-- Write a worker's record; return its directive.
local function write_record(beat, told)
    local key, said = worker_key(beat.worker), beat.said
    local first, process = unpack(redis.call('HMGET', key, 'first', 'process'))
    if not first and not make_room() then return told end
    if not first then redis.call('ZADD', WORKER_NAMES, 0, beat.worker) end
    local another = first and said and (process or '') ~= '' and said.process ~= '' and process ~= said.process
    if another and told ~= 'run' then
        told = 'run'
        tell(beat.worker, told)
    end
    if another or not first then first = text(now) end
    redis.call('HSET', key, 'first', first, 'seen', text(now), 'leased', beat.leased, 'jobs', beat.jobs)
    if said then
        redis.call('HSET', key, 'facts', said.facts, 'queues', said.queues, 'tasks', said.tasks, 'takes', said.takes,
            'process', said.process)
    end
    redis.call('ZADD', WORKERS, text(now + beat.up_ms), beat.worker)
    plan('workers', '', now + beat.up_ms + DEFAULTS.worker_kept_ms)
    return told
end

reserve(0)
local answers = {}
for i = 1, tonumber(ARGV[2]) do
    local beat = {worker = take(), up_ms = tonumber(take()), is_final = take() == '1', leased = take(), jobs = take()}
    if take() == '1' then beat.said = {facts = take(), queues = take(), tasks = take(), takes = take(), process = take()} end
    local told = redis.call('HGET', DIRECTIVES, beat.worker) or 'run'
    if beat.is_final then drop_worker(beat.worker) else told = write_record(beat, told) end
    answers[i] = told
end
assert(position == #ARGV, 'heartbeat: wrong number of arguments')
return finish_script(answers)
