-- walking: jobs of a filter in the order of the structures they lie in, from any place on; uses lib, counts, pages and filters.

-- Names of queues from this one on.
local function queues_from(filter, queue, n)
    if filter.tag then return {''} end
    if filter.queue then return {filter.queue} end
    return redis.call('ZRANGEBYLEX', QUEUES, queue == '' and '-' or '[' .. queue, '+', 'LIMIT', 0, n)
end

-- Go on from `at` = {queue, state (its number among the filter's), score, id}, look at up to `budget` jobs and queues,
-- and call `visit(id)` for those of the filter until it returns false. Return how many were looked at, where to go on (nil
-- at the end), and how many of what was looked at were jobs. A budget of two gets on.
local function walk(filter, at, budget, visit)
    local left, jobs = budget, 0
    local queues = queues_from(filter, at.queue, budget)
    for _, queue in ipairs(queues) do
        if queue ~= at.queue then at = {queue = queue, state = 1} end
        left = left - 1
        while at.state <= (filter.tag and 1 or #filter.states) do
            local keys = filter.tag and {tag_key(filter.tag)} or homes_of(queue, filter.states[at.state])
            local part
            repeat
                if left <= 0 then return budget - left, at, jobs end
                local asked = math.min(left, 100)
                part = slice(keys, at.score, at.id, asked)
                for _, job in ipairs(part) do
                    left, jobs, at.score, at.id = left - 1, jobs + 1, job.score, job.id
                    if fits(job.id, filter) and visit(job.id) == false then return budget - left, at, jobs end
                end
            until #part < asked
            at = {queue = queue, state = at.state + 1}
        end
    end
    if filter.tag or filter.queue or #queues < budget then at = nil end
    return budget - left, at, jobs
end
