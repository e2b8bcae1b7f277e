-- list: jobs of a filter in the order of the structures they lie in, a bounded page.
-- uses:    lib places deliveries settings counts pages filters walking read summaries
-- states:  none
-- keys:    meta (hash), j:<id> (hash), a:<id> (list), q:<queue>:{every state,laned} (zset), tag:<tag> (zset), queues (zset)
-- args:    jobs in all, jobs and queues to look at; where to go on: queue or '', number of the state (1 at first), score or '', id or '';
--          number of states, states; queue, task, type of the last error, tag (name=value), enqueued from and before, finished from
--          and before in unix ms ('' where one does not matter)
-- returns: how many were looked at; where to go on, as in args (empty at the end); per job: id, then names and values of its fields,
--          without those that only readers of one job want
-- flags:   no-writes
-- cost:    O(log n) per page and structure, O(fields) per job looked at

local most, n = tonumber(ARGV[1]), tonumber(ARGV[7])
local filter = filter_of({unpack(ARGV, 8, 7 + n)}, {unpack(ARGV, 8 + n)})
local at = {queue = ARGV[3], state = tonumber(ARGV[4]), score = ARGV[5] ~= '' and ARGV[5] or nil, id = ARGV[6]}
local jobs = {}
local looked_at, rest = walk(filter, at, tonumber(ARGV[2]), function(id)
    jobs[#jobs + 1] = {id, summary(id)}
    return #jobs < most and summary_bytes < DEFAULTS.script_bytes
end)
local go_on = rest and {rest.queue, text(rest.state), rest.score or '', rest.id or ''} or {}
return {'ok', text(now), '', {text(looked_at), go_on, jobs}}
