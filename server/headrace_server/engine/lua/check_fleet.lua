-- check_fleet: whether workers are listed, and their records end; uses lib, fleet, pages, checks, check_sets and check_keys.

function CHECKS.worker(...)
    for _, worker in ipairs({...}) do
        local is_there = redis.call('EXISTS', worker_key(worker)) == 1
        if is_there and not redis.call('ZSCORE', WORKER_NAMES, worker) and wrong('worker', '', '', worker .. ' is not listed') then
            redis.call('ZADD', WORKER_NAMES, 0, worker)
        end
        if is_there and not redis.call('ZSCORE', WORKERS, worker) and wrong('worker', '', '', worker .. ' never ends') then
            redis.call('ZADD', WORKERS, text(now), worker)
            plan('workers', '', now + DEFAULTS.worker_kept_ms)
        end
    end
end

local function is_known(worker) return redis.call('EXISTS', worker_key(worker)) == 1 end

function CHECKS.workers(score, id)
    local head = redis.call('ZRANGE', WORKERS, 0, 0, 'WITHSCORES')[2]
    if head then expect_planned('workers', '', tonumber(head) + DEFAULTS.worker_kept_ms, '') end
    return check_index(WORKERS, score, id, 'worker', 'a worker is listed and gone', is_known)
end
function CHECKS.workernames(score, id)
    return check_index(WORKER_NAMES, score, id, 'worker', 'a worker is listed by its name and gone', is_known)
end

function CHECKS.directives(...)
    for _, worker in ipairs({...}) do
        if not is_known(worker) and wrong('worker', '', '', worker .. ' is told something and gone') then tell(worker, 'run') end
    end
end
