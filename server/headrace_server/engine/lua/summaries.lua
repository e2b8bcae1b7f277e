-- summaries: jobs as lists show them, without what only readers of one job want; uses lib, settings and read.
-- Empty for an unknown id.

local SUMMARY = {
    't', 'q', 's', 'rv', 'pr', 'at', 'ma', 'dl', 'cr', 'mc', 'rn', 'ca', 'ru', 'ex', 'w', 'fe', 'st', 'ft', 'rs', 'mx', 'o', 'er',
    'tg', 'fk', 'fw', 'ok', 'oh', 'li', 'sd',
}
local summary_bytes = 0 -- so far

local function summary(id)
    local values, fields, job = redis.call('HMGET', job_key(id), unpack(SUMMARY)), {}, {}
    for i, name in ipairs(SUMMARY) do
        if values[i] then
            fields[#fields + 1], fields[#fields + 2], job[name] = name, values[i], values[i]
        end
    end
    if not job.s then return fields end
    resolve_fields(job, fields)
    if job.s == 'leased' then
        fields[#fields + 1], fields[#fields + 2] = 'deadline', redis.call('ZSCORE', set_key(job.q, 'leased'), id)
    end
    if job.er then
        fields[#fields + 1], fields[#fields + 2] = 'attempt', redis.call('LINDEX', attempts_key(id), -1) or redis.call('HGET', job_key(id), 'fa') or ''
    end
    for _, word in ipairs(fields) do summary_bytes = summary_bytes + #word end
    return fields
end
