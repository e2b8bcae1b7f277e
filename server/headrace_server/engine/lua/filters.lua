-- filters: which jobs are meant; uses lib. domain/finding.py says what each part stands for.

local ENDED = {succeeded = true, dead = true, cancelled = true}
local FILTER_WORDS = {'queue', 'task', 'error_type', 'tag', 'ca_from', 'ca_below', 'ft_from', 'ft_below'}

-- `words` are those of FILTER_WORDS in their order, '' (or false) where one does not matter; `states` is never empty.
local function filter_of(states, words)
    local filter = {states = states, is_of = {}}
    for _, state in ipairs(states) do filter.is_of[state] = true end
    for i, name in ipairs(FILTER_WORDS) do
        local word = words[i]
        if word and word ~= '' then filter[name] = i > 4 and tonumber(word) or word end
    end
    return filter
end

local function lies_in(value, from, below)
    value = tonumber(value)
    return value and (not from or value >= from) and (not below or value < below)
end

-- Whether a job is of the filter; what the structures say that were walked is not looked at again.
local function fits(id, filter)
    local fields = redis.call('HMGET', job_key(id), 's', 'q', 't', 'er', 'ca', 'ft', 'rv')
    local state, queue, task, error_type, enqueued_ms, finished_ms, rev = unpack(fields)
    if not state or not filter.is_of[state] then return false end
    if filter.queue and queue ~= filter.queue then return false end
    if filter.task and task ~= filter.task then return false end
    if filter.error_type and error_type ~= filter.error_type then return false end
    if filter.rev and tonumber(rev) > filter.rev then return false end
    if (filter.ca_from or filter.ca_below) and not lies_in(enqueued_ms, filter.ca_from, filter.ca_below) then return false end
    if not (filter.ft_from or filter.ft_below) then return true end
    return ENDED[state] and lies_in(finished_ms, filter.ft_from, filter.ft_below)
end
