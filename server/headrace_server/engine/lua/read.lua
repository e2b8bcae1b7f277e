-- read: a job as its readers see it; uses lib, deliveries and settings.

-- What holds for a job that does not say it itself, by the field in which it would.
local RESOLVED = {pr = 'priority', ma = 'max_attempts', mc = 'max_crashes', mx = 'max_runtime_ms'}

local function resolve_fields(job, fields)
    local own = settings(job.q)
    for field, name in pairs(RESOLVED) do
        if not job[field] and own[name] then fields[#fields + 1], fields[#fields + 2] = field, text(own[name]) end
    end
end

-- A result whose time is over, and that nobody has swept yet, is not shown.
local function hide_result(job, id, fields)
    local until_ms = tonumber(redis.call('ZSCORE', set_key(job.q, 'results'), id))
    if not until_ms or until_ms > now then return fields end
    local shown = {}
    for i = 1, #fields, 2 do
        if fields[i] ~= 'r' and fields[i] ~= 'rt' then shown[#shown + 1], shown[#shown + 2] = fields[i], fields[i + 1] end
    end
    return shown
end

-- All fields of the hash as a flat list, with what its queue says where it says nothing itself, then deadline and last
-- failed attempt where there are any; empty for an unknown id.
-- nil once the jobs before fill a reply: who reads asks again for the rest.
local read_bytes = 0
local function read(id)
    if read_bytes >= DEFAULTS.script_bytes then return nil end
    local fields = redis.call('HGETALL', job_key(id))
    local job = {}
    for i = 1, #fields, 2 do job[fields[i]] = fields[i + 1] end
    if not job.s then return fields, job end
    resolve_fields(job, fields)
    if job.r and job.o and string.find(job.o, 'v', 1, true) then fields = hide_result(job, id, fields) end
    if job.k then add_lease_facts(job.k, fields) end
    if job.s == 'leased' then fields[#fields + 1], fields[#fields + 2] = 'deadline', lease_deadline(job.k) end
    if job.er then
        fields[#fields + 1], fields[#fields + 2] = 'attempt', redis.call('LINDEX', attempts_key(id), -1) or job.fa or ''
    end
    for i = 2, #fields, 2 do read_bytes = read_bytes + #(fields[i] or '') end
    return fields, job
end
