-- stats: how full queues are.
-- uses:    lib
-- states:  none
-- keys:    meta (hash), j:<id> (hash), q:<queue>:{every state} (zset)
-- args:    number of states, states, queues
-- returns: per queue: the number of jobs in each state, then enqueued_at of the oldest head of a priority or ''
-- flags:   no-writes
-- cost:    O(1) per queue and state, O(log n) per priority in use (at most 256)

local states = {unpack(ARGV, 2, 1 + tonumber(ARGV[1]))}

-- Jump from the head of one priority to the head of the next: the scores of a priority fill one span of 2^44.
local function oldest_ready(queue)
    local oldest, from = nil, '-inf'
    while true do
        local head = redis.call('ZRANGEBYSCORE', set_key(queue, 'ready'), from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
        if not head[1] then return oldest and text(oldest) or '' end
        local enqueued_ms = tonumber(redis.call('HGET', job_key(head[1]), 'ca'))
        if enqueued_ms and (not oldest or enqueued_ms < oldest) then oldest = enqueued_ms end
        from = text((math.floor(tonumber(head[2]) / 17592186044416) + 1) * 17592186044416)
    end
end

local answers = {}
for i = 2 + #states, #ARGV do
    local answer = {}
    for j, state in ipairs(states) do answer[j] = text(redis.call('ZCARD', set_key(ARGV[i], state))) end
    answer[#answer + 1] = oldest_ready(ARGV[i])
    answers[#answers + 1] = answer
end
return {'ok', text(now), '', answers}
