-- check_keys: whether everything beside queues is known, and ends when it should; uses lib, counts, limiting, pages, checks and
-- check_sets.

function CHECKS.unique(...)
    for _, digest in ipairs({...}) do
        local value = redis.call('GET', unique_key(digest)) or ''
        local until_ms, job = tonumber(string.sub(value, 17)), load(string.sub(value, 1, 16), with())
        if until_ms then
            if tonumber(redis.call('ZSCORE', UNIQUES, digest)) ~= until_ms and wrong('unique', job.q, job.id, 'a unique key never ends') then
                redis.call('ZADD', UNIQUES, text(until_ms), digest)
                plan('unique', '', until_ms)
            end
        elseif value ~= '' and not (job.s and job.uq and string.sub(job.uq, 2) == digest and holds_unique(job))
            and wrong('unique', job.q, job.id, 'has a unique key and no right to it') then
            redis.call('DEL', unique_key(digest))
        end
    end
end

-- Members of a sorted set that stand for something else; `exists(member)` says whether it is there.
local function check_index(key, score, id, kind, detail, exists)
    return check_page(key, score, id, function(member)
        if not exists(member) then return kind, '', '', detail end
    end)
end

function CHECKS.uniques(score, id)
    local head = redis.call('ZRANGE', UNIQUES, 0, 0, 'WITHSCORES')[2]
    if head then expect_planned('unique', '', tonumber(head), '') end
end
function CHECKS.operations(score, id)
    return check_index(OPERATIONS, score, id, 'operation', 'an operation is listed and gone', function(member)
        return redis.call('EXISTS', operation_key(member)) == 1
    end)
end
function CHECKS.blocked(score, id)
    return check_index(BLOCKED, score, id, 'limit', 'a limit is said to hold lanes back and does not', function(member)
        return redis.call('EXISTS', shut_key(member)) == 1
    end)
end
function CHECKS.limitnames(score, id)
    return check_index(LIMIT_NAMES, score, id, 'limit', 'a limit is listed and says nothing', function(member)
        return redis.call('HEXISTS', LIMITS, member) == 1
    end)
end

function CHECKS.limits(...)
    for _, name in ipairs({...}) do
        if not redis.call('ZSCORE', LIMIT_NAMES, name) and redis.call('HEXISTS', LIMITS, name) == 1
            and wrong('limit', '', '', name .. ' is not listed') then
            redis.call('ZADD', LIMIT_NAMES, 0, name)
        end
        local held_ms = tonumber(unpack_limit(redis.call('HGET', LIMITS, name) or nil)[4])
        if held_ms then expect_planned('relimit', name, held_ms, '') end
    end
end

function CHECKS.operation(...)
    for _, id in ipairs({...}) do
        if redis.call('EXISTS', operation_key(id)) == 1 then
            if not redis.call('ZSCORE', OPERATIONS, id) and wrong('operation', '', '', 'an operation is not listed') then
                redis.call('ZADD', OPERATIONS, redis.call('HGET', operation_key(id), 'created') or text(now), id)
            end
            if not redis.call('ZSCORE', AGENDA, 'op:' .. id) then expect_planned('op', id, now, '') end
        end
    end
end

-- What is dropped whole when its time is over, by the agenda's kind.
local DROPPED = {}
function DROPPED.replay(name) return replay_key(name) end
function DROPPED.idem(name) return bucket_key(tonumber(name)) end
function DROPPED.echo(name) return echo_key(tonumber(name)) end
function DROPPED.events() return EVENTS end

function CHECKS.dropped(kind, due_ms, name)
    local is_there = redis.call('EXISTS', DROPPED[kind](name)) == 1
    if is_there and not redis.call('ZSCORE', AGENDA, kind .. ':' .. name) then expect_planned(kind, name, tonumber(due_ms), '') end
end

-- Bytes are counted for jobs that have not ended, and for nothing else.
function CHECKS.bytes(...)
    for _, queue in ipairs({...}) do
        local bytes, jobs = tonumber(redis.call('HGET', BYTES, queue)) or 0, 0
        for _, state in ipairs({'scheduled', 'ready', 'leased', 'retrying'}) do jobs = jobs + count_jobs(queue, state) end
        if (bytes < 0 or (bytes > 0 and jobs == 0)) and wrong('bytes', queue, '', text(bytes) .. ' bytes are counted for no job') then
            redis.call('HDEL', BYTES, queue)
        end
    end
end

function CHECKS.paused(queue)
    local until_ms = tonumber(redis.call('HGET', set_key(queue, 'settings'), 'paused'))
    if until_ms and until_ms >= 0 then expect_planned('resume', queue, until_ms, queue) end
end
