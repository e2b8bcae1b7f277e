-- read: a job as its readers see it; uses lib.

-- All fields of the hash as a flat list, then deadline and last failed attempt where there are any; empty for an unknown id.
-- nil once the jobs before fill a reply: who reads asks again for the rest.
local read_bytes = 0
local function read(id)
    if read_bytes >= DEFAULTS.script_bytes then return nil end
    local fields = redis.call('HGETALL', job_key(id))
    local job = {}
    for i = 1, #fields, 2 do job[fields[i]] = fields[i + 1] end
    if job.s == 'leased' then
        fields[#fields + 1], fields[#fields + 2] = 'deadline', redis.call('ZSCORE', set_key(job.q, 'leased'), id)
    end
    if job.er then
        fields[#fields + 1], fields[#fields + 2] = 'attempt', redis.call('LINDEX', attempts_key(id), -1)
    end
    for i = 2, #fields, 2 do read_bytes = read_bytes + #(fields[i] or '') end
    return fields, job
end
