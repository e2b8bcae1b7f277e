-- tick: work off what is due on the agenda, a bounded step for each member.
-- uses:    lib settings counts names limiting lanes options moves records failing buckets gates unique acts pages filters walking bulk steps sweeps upkeep
-- states:  scheduled -> ready, retrying -> ready, leased -> ready, leased -> retrying, leased -> dead, leased -> cancelled,
--          scheduled -> cancelled, ready -> cancelled, retrying -> cancelled, succeeded -> (gone), dead -> (gone), cancelled -> (gone),
--          dead -> ready, ready -> ready, scheduled -> scheduled, retrying -> retrying, scheduled -> (gone), ready -> (gone),
--          retrying -> (gone)
-- keys:    meta (hash), agenda, queues (zset), q:<queue>:{every state,laned,expiring,results} (zset), j:<id> (hash), a:<id> (list),
--          idem:<n>, echo:<n>, r:<worker>, op:<id>, limits, marks (hash), u:<digest> (string), events (stream)
-- args:    run id, members in all, jobs a step, jobs in all, jitter in 0..1
-- returns: number of jobs and records touched
-- flags:   allow-oom
-- cost:    O(log n) per job touched; O(1) when nothing is due

local step_jobs, jobs_left, touched = tonumber(ARGV[3]), tonumber(ARGV[4]), 0
-- A kind that a newer server planned: that one will see to it.
local function leave_for_newer() return 0, now + 1000 end

local due = redis.call('ZRANGEBYSCORE', AGENDA, '-inf', text(now), 'LIMIT', 0, tonumber(ARGV[2]))
for _, member in ipairs(due) do
    if jobs_left <= 0 then break end
    local kind, name = string.match(member, '^(%a+):(.*)$')
    local step = STEPS[kind] or leave_for_newer
    local done, next_ms = step(name, math.min(step_jobs, jobs_left))
    jobs_left, touched = jobs_left - done, touched + done
    if next_ms then -- what is left to do stands behind what had no turn yet
        redis.call('ZADD', AGENDA, text(math.max(next_ms, now)), member)
    else
        redis.call('ZREM', AGENDA, member)
    end
end
return finish_script({text(touched)})
