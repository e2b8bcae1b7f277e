-- tick: work off what is due on the agenda, a bounded step for each member.
-- uses:    lib places deliveries settings cells tallies counts names limiting lanes runs options loading moves records failing buckets gates unique acts pages filters walking bulk steps fleet sweeps upkeep
-- states:  scheduled -> ready, retrying -> ready, leased -> ready, leased -> retrying, leased -> dead, leased -> cancelled,
--          scheduled -> cancelled, ready -> cancelled, retrying -> cancelled, succeeded -> (gone), dead -> (gone), cancelled -> (gone),
--          dead -> ready, ready -> ready, scheduled -> scheduled, retrying -> retrying, scheduled -> (gone), ready -> (gone),
--          retrying -> (gone)
-- keys:    meta (hash), agenda, queues (zset), q:<queue>:{every state,laned,expiring,results} (zset), j:<id> (hash), a:<id> (list),
--          idem:<n>, echo:<n>, r:<worker>, op:<id>, limits, marks, fleet:w:<worker> (hash), u:<digest> (string), events (stream)
-- args:    run id, members in all, jobs a step, jobs in all, jitter in 0..1
-- returns: number of jobs and records touched
-- flags:   allow-oom
-- cost:    O(log n) per job touched; O(1) when nothing is due

local step_jobs, jobs_left, touched = tonumber(ARGV[3]), tonumber(ARGV[4]), 0
-- A kind that a newer server planned: that one will see to it.
local function leave_for_newer() return 0, now + 1000 end

local head = redis.call('ZRANGE', AGENDA, 0, 0, 'WITHSCORES')[2]
if not head or tonumber(head) > now then return {'ok', now_text, head or '', {'0'}} end -- as most ticks of an idle shard end
local due = redis.call('ZRANGEBYSCORE', AGENDA, '-inf', now_text, 'LIMIT', 0, tonumber(ARGV[2]))
local kinds, names, again, over = {}, {}, {}, {}
for i, member in ipairs(due) do kinds[i], names[i] = string.match(member, '^(%a+):(.*)$') end
know(names) -- most are queues
for i, member in ipairs(due) do
    if jobs_left <= 0 then break end
    local step = STEPS[kinds[i]] or leave_for_newer
    local done, next_ms = step(names[i], math.min(step_jobs, jobs_left))
    jobs_left, touched = jobs_left - done, touched + done
    if next_ms then -- what is left to do stands behind what had no turn yet
        again[#again + 1], again[#again + 2] = math.max(next_ms, now), member
    else
        over[#over + 1] = member
    end
end
-- What a step has planned is written after these, and may be earlier.
if #over > 0 then redis.call('ZREM', AGENDA, unpack(over)) end
if #again > 0 then redis.call('ZADD', AGENDA, unpack(again)) end
return finish_script({text(touched)})
