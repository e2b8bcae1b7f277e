-- runs: the newest runs of each schedule, as jobs end; uses lib, settings and tallies.

-- What became of a schedule's job goes into its history; a slot that waited for this end has its turn.
-- A job names its schedule, and then the slot.
local function end_run(job, state)
    local outcome = state == 'gone' and 'deleted' or FINAL[state] and state
    if not outcome then return end
    local name = string.match(job.sd, '^%S+')
    local schedule, runs = BEAT .. 's:' .. name, BEAT .. 'r:' .. name
    for i, run in ipairs(redis.call('LRANGE', runs, 0, -1)) do
        if string.sub(run, -16) == job.id then
            local words = {string.match(run, '^%d+ %d+ %a'), outcome, started(job), now_text, job.id}
            redis.call('LSET', runs, i - 1, table.concat(words, ' '))
        end
    end
    local about = redis.call('HMGET', schedule, 'last_id', 'buffered')
    if about[1] ~= job.id or not about[2] then return end
    redis.call('ZADD', BEAT .. 'due', now, name)
    redis.call('SPUBLISH', WAKE, 'schedules')
end
