-- sweeps: the agenda's steps that remove records; uses lib, settings, names, lanes, options, moves, gates, fleet and steps.

-- Records of finished jobs whose time is over, those of a state in one command.
local function remove_ended(key, due)
    local rev, names, ids, records = reserve(#due / 2), with(), {}, {}
    for i = 1, #due, 2 do
        local job, n = load(due[i], names), #ids
        clear(job, rev + n + 1)
        ids[n + 1], records[2 * n + 1], records[2 * n + 2] = job.id, job.key, attempts_key(job.id)
    end
    redis.call('ZREM', key, unpack(ids))
    redis.call('UNLINK', unpack(records))
    return #ids
end
function STEPS.prune(queue, n)
    local keys, seen, done, due = {}, {}, 0, nil
    for i, state in ipairs({'succeeded', 'dead', 'cancelled'}) do
        keys[i] = set_key(queue, state)
        due, seen[i] = due_ids(keys[i], n - done)
        if #due > 0 then done = done + remove_ended(keys[i], due) end
    end
    drop_forgotten(queue)
    return done, earliest(keys, seen)
end

-- A bucket of idempotency keys that no look-up reaches any more.
function STEPS.idem(number)
    redis.call('UNLINK', bucket_key(tonumber(number)))
    return 1, nil
end

-- Answers of calls that do not come again.
function STEPS.echo(number)
    redis.call('UNLINK', echo_key(tonumber(number)))
    return 1, nil
end

-- Unique keys whose time is over; one that was taken again meanwhile says another time, or none.
function STEPS.unique(_, n)
    local due, next_ms = due_ids(UNIQUES, n)
    for i = 1, #due, 2 do
        local until_ms = tonumber(string.sub(redis.call('GET', unique_key(due[i])) or '', 17))
        if until_ms and until_ms <= now then redis.call('DEL', unique_key(due[i])) end
        redis.call('ZREM', UNIQUES, due[i])
    end
    return #due / 2, earliest({UNIQUES}, {next_ms})
end

-- Results that end before their jobs' records.
function STEPS.results(queue, n)
    local key = set_key(queue, 'results')
    local due, next_ms = due_ids(key, n)
    local rev = #due > 0 and reserve(#due / 2)
    for i = 1, #due, 2 do
        redis.call('ZREM', key, due[i])
        if redis.call('HDEL', job_key(due[i]), 'r', 'rt') > 0 then redis.call('HSET', job_key(due[i]), 'rv', rev + (i + 1) / 2) end
    end
    return #due / 2, earliest({key}, {next_ms})
end

-- A record of a lease request, as long as one of its leases lives.
function STEPS.replay(worker)
    local leases, last_ms = redis.call('HGET', replay_key(worker), 'leases') or '', nil
    for i = 1, #leases, 32 do
        local job = load(string.sub(leases, i, i + 15), with())
        if job.s == 'leased' and job.k == string.sub(leases, i + 16, i + 31) then
            last_ms = math.max(last_ms or 0, job.deadline, now + 1)
        end
    end
    if not last_ms then redis.call('DEL', replay_key(worker)) end
    return math.max(1, #leases / 32), last_ms
end

-- Workers that have been lost for long.
function STEPS.workers(_, n)
    local due = redis.call('ZRANGEBYSCORE', WORKERS, '-inf', text(now - DEFAULTS.worker_kept_ms), 'LIMIT', 0, n)
    for _, worker in ipairs(due) do drop_worker(worker) end
    local head = redis.call('ZRANGE', WORKERS, 0, 0, 'WITHSCORES')[2]
    return #due, head and tonumber(head) + DEFAULTS.worker_kept_ms
end

-- A queue whose rate lets jobs through again.
function STEPS.refill(queue)
    local own, bucket = settings(queue), SEPARATOR .. queue
    local left = own.interval_us and tokens(bucket, own.interval_us, own.burst, DEFAULTS.lanes_opened) or 1
    if left < 1 then return 1, token_due_ms(bucket, own.interval_us, own.burst) end -- planned under another rate
    wake(queue, left)
    return 1, nil
end

-- Lanes that a limit held back, once it has room.
function STEPS.open(limit, n)
    local until_ms = shut_until(limit)
    if until_ms then return 1, until_ms < math.huge and until_ms or nil end -- else whoever frees a slot opens
    local found = limit_of(limit)
    local polls = found.interval_us and tokens(limit, found.interval_us, found.burst, DEFAULTS.lanes_opened) or DEFAULTS.lanes_opened
    if found.concurrency then polls = math.min(polls, found.concurrency - leased_under(limit)) end
    local opened = open_some(limit, math.min(n, DEFAULTS.lanes_opened), polls)
    return math.max(1, opened), redis.call('EXISTS', shut_key(limit)) == 1 and now or nil
end
