-- summaries: jobs as lists show them, without what only readers of one job want; uses lib, deliveries, settings and read.
-- Empty for an unknown id.

local SUMMARY = {
    't', 'q', 's', 'rv', 'pr', 'at', 'ma', 'cr', 'mc', 'rn', 'ca', 'ru', 'ex', 'k', 'ft', 'rs', 'mx', 'o', 'er',
    'tg', 'fk', 'fw', 'ok', 'oh', 'li', 'sd',
}
local summary_bytes = 0 -- so far

local function summary(id)
    local values, fields, job = redis.call('HMGET', job_key(id), unpack(SUMMARY)), {}, {}
    for i, name in ipairs(SUMMARY) do
        if values[i] then
            if name ~= 'k' then fields[#fields + 1], fields[#fields + 2] = name, values[i] end
            job[name] = values[i]
        end
    end
    if not job.s then return fields end
    resolve_fields(job, fields)
    if job.k then add_lease_facts(job.k, fields) end
    if job.s == 'leased' then fields[#fields + 1], fields[#fields + 2] = 'deadline', lease_deadline(job.k) end
    if job.er then
        fields[#fields + 1], fields[#fields + 2] = 'attempt', redis.call('LINDEX', attempts_key(id), -1) or redis.call('HGET', job_key(id), 'fa') or ''
    end
    for _, word in ipairs(fields) do summary_bytes = summary_bytes + #word end
    return fields
end
