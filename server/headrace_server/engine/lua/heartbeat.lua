-- heartbeat: a worker lives, is this and holds that; or it says goodbye. A new process of its id begins with the directive run.
-- uses:    lib fleet
-- states:  none
-- keys:    meta, fleet:w:<worker>, fleet:directives (hash), fleet:workers, fleet:names, agenda (zset)
-- args:    run id, worker, for how long it is up in ms, final ('1' or ''), number of leases, ids of jobs (16 bytes each, joined),
--          then nothing, or what it says of itself: facts (opaque), queues and tasks (each between separators; '': all), takes jobs
--          ('1' or ''), process ('' if it does not say)
-- returns: its directive
-- flags:   allow-oom
-- cost:    O(log n)

local worker, up_ms, is_final = ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
local key = worker_key(worker)
local told = redis.call('HGET', DIRECTIVES, worker) or 'run'

-- Room for one more record: that of the worker which was lost first.
local function make_room()
    if redis.call('ZCARD', WORKERS) < DEFAULTS.max_workers then return true end
    local lost = redis.call('ZRANGEBYSCORE', WORKERS, '-inf', text(now), 'LIMIT', 0, 1)[1]
    if lost then drop_worker(lost) end
    return lost
end

local function write_record()
    local first, process = unpack(redis.call('HMGET', key, 'first', 'process'))
    if not first and not make_room() then return end
    if not first then redis.call('ZADD', WORKER_NAMES, 0, worker) end
    local another = first and (process or '') ~= '' and (ARGV[11] or '') ~= '' and process ~= ARGV[11]
    if another and told ~= 'run' then
        told = 'run'
        tell(worker, told)
    end
    redis.call('HSET', key, 'first', first and not another and first or text(now), 'seen', text(now), 'leased', ARGV[5], 'jobs', ARGV[6])
    if ARGV[7] then
        redis.call('HSET', key, 'facts', ARGV[7], 'queues', ARGV[8], 'tasks', ARGV[9], 'takes', ARGV[10], 'process', ARGV[11])
    end
    redis.call('ZADD', WORKERS, text(now + up_ms), worker)
    plan('workers', '', now + up_ms + DEFAULTS.worker_kept_ms)
end

reserve(0)
if is_final then drop_worker(worker) else write_record() end
return finish_script({told})
