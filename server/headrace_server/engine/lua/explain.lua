-- explain: why a job is where it is.
-- uses:    lib places deliveries settings lanes buckets gates read facts
-- states:  none
-- keys:    meta (hash), j:<id> (hash), a:<id> (list), q:<queue>:{ready,laned,leased,lane:<lane>} (zset), q:<queue>:{settings,busy} (hash),
--          limits, polled (hash), rates (zset), slots:<limit> (set)
-- args:    id (16 bytes)
-- returns: names and values of its fields as of get (nothing for an unknown id); then per reason: its code, then names and values
-- flags:   no-writes
-- cost:    O(fields), O(log n) per reason

local fields, job = read(ARGV[1])
if not job.s then return {'ok', text(now), '', {}} end
job.id = ARGV[1]
local reasons = {}
local function because(code, ...) reasons[#reasons + 1] = {code, ...} end

if job.s == 'leased' then
    because('leased', 'until', lease_deadline(job.k))
elseif job.s == 'scheduled' or job.s == 'retrying' then
    because('not_due', 'until', job.ru)
    tell_of_queue(job.q, because)
elseif job.s == 'ready' then
    tell_of_queue(job.q, because)
    tell_of_limits(job, because)
    tell_of_order(job, because)
    tell_of_polls(job.q, because)
    if #reasons == 0 then because('next') end
else
    because('ended')
end
return {'ok', text(now), '', {fields, unpack(reasons)}}
