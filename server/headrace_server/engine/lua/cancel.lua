-- cancel: jobs that nobody holds end now.
-- uses:    lib settings lanes options moves
-- states:  ready -> cancelled, scheduled -> cancelled, retrying -> cancelled
-- keys:    meta (hash), j:<id> (hash), q:<queue>:{ready,scheduled,retrying,cancelled,expiring} (zset), agenda (zset)
-- args:    run id, number of items; an item: id (16 bytes), reason
-- returns: per item: cancelled (now or before) | leased | final | not_found, then the state or ''
-- flags:   allow-oom
-- cost:    O(log n) per item

local n = tonumber(ARGV[2])
assert(#ARGV == 2 + 2 * n, 'cancel: wrong number of arguments')
local rev, answers, fields = reserve(n), {}, with()
for i = 1, n do
    local job = load(ARGV[1 + 2 * i], fields)
    local status
    if not job.s then
        status = 'not_found'
    elseif OPEN[job.s] then
        call_off(job, rev + i, ARGV[2 + 2 * i])
        status = 'cancelled'
    elseif job.s == 'leased' or job.s == 'cancelled' then
        status = job.s
    else
        status = 'final'
    end
    answers[i] = {status, job.s or ''}
end
return finish_script(answers)
