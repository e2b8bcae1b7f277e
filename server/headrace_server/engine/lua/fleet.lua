-- fleet: the records of workers, by id and by when they are lost, and what those are told that are not to run; uses lib.
-- Only the first shard has any.

local WORKERS, WORKER_NAMES, DIRECTIVES = fleet_key('workers'), fleet_key('names'), fleet_key('directives')
local function worker_key(worker) return fleet_key('w:' .. worker) end

-- Servers keep the directives in mind, and hear of each change.
local function tell(worker, directive)
    if directive == 'run' then
        redis.call('HDEL', DIRECTIVES, worker)
    else
        redis.call('HSET', DIRECTIVES, worker, directive)
    end
    redis.call('SPUBLISH', WAKE, 'worker ' .. directive .. ' ' .. worker)
end

local function drop_worker(worker)
    if redis.call('HEXISTS', DIRECTIVES, worker) == 1 then tell(worker, 'run') end
    redis.call('UNLINK', worker_key(worker))
    redis.call('ZREM', WORKERS, worker)
    redis.call('ZREM', WORKER_NAMES, worker)
end

local function view_worker(worker)
    local lost_ms, fields = redis.call('ZSCORE', WORKERS, worker), redis.call('HGETALL', worker_key(worker))
    return {worker, lost_ms or '0', redis.call('HGET', DIRECTIVES, worker) or 'run', fields}
end
