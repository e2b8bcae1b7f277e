-- stats: how full queues are.
-- uses:    lib places deliveries settings counts
-- states:  none
-- keys:    meta (hash), j:<id> (hash), q:<queue>:{every state,laned} (zset), q:<queue>:settings (hash), marks (hash)
-- args:    queues
-- returns: per queue, in one text: the number of jobs in each state, enqueued_at of the oldest head of a priority or '',
--          the end of the pause ('-1': until somebody resumes, '': not paused), draining ('1' or '')
-- flags:   no-writes
-- cost:    O(1) per queue and state, O(log n) per priority in use (at most 256)

if #ARGV > 0 then know(ARGV) end
local answers = {}
for i, queue in ipairs(ARGV) do answers[i] = describe_queue(queue) end
return {'ok', text(now), '', answers}
