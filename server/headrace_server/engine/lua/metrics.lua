-- metrics: queues as they are and what was counted of them, page by page; or what was counted of all tasks.
-- uses:    lib places deliveries settings counts cells
-- states:  none
-- keys:    meta (hash), queues (zset), q:<queue>:{every state,laned} (zset), q:<queue>:settings, j:<id>, marks, polled (hash),
--          tally:q:<n>, tally:t:<task> (string), tally:tasks (zset)
-- args:    queues, start behind this name or '', how many; or tasks
-- returns: of queues: how many there are, then per queue: its name, as of stats, its counters, polled lately ('1' or '');
--          of tasks: per task: its name, its counters (8 bytes each, as BITFIELD has them)
-- flags:   no-writes
-- cost:    as of stats per queue; O(1) per task (at most 501)

local answers = {}
if ARGV[1] == 'tasks' then
    for i, task in ipairs(redis.call('ZRANGE', TASKS, 0, -1)) do answers[i] = {task, redis.call('GET', task_key(task)) or ''} end
    return {'ok', text(now), '', answers}
end

local names = redis.call('ZRANGEBYLEX', QUEUES, ARGV[2] == '' and '-' or '(' .. ARGV[2], '+', 'LIMIT', 0, tonumber(ARGV[3]))
answers[1] = text(redis.call('ZCARD', QUEUES))
if #names > 0 then
    know(names)
    local polled, after = redis.call('HMGET', POLLED, unpack(names)), now - DEFAULTS.poll_lost_ms
    for i, queue in ipairs(names) do
        local is_polled = polled[i] and tonumber(polled[i]) > after and '1' or ''
        answers[i + 1] = {queue, describe_queue(queue), cells_of(queue), is_polled}
    end
end
return {'ok', text(now), '', answers}
