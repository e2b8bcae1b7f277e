-- walking: jobs of a filter in the order of the structures they lie in, from any place on; uses lib, counts and filters.
-- A place is that of the job looked at last: (score, id), so that it stays one whatever comes and goes.
-- built:   on demand

need_filters()

-- Members as bytes: Lua's own `<` follows the locale of the store's process.
local function before(a, b)
    for i = 1, math.min(#a, #b) do
        local x, y = string.byte(a, i), string.byte(b, i)
        if x ~= y then return x < y end
    end
    return #a < #b
end

-- How many members of a set lie up to (score, id), whether or not it is still there: among those of the same score they
-- lie in the order of their bytes.
local function rank_behind(key, score, id)
    local low = redis.call('ZCOUNT', key, '-inf', '(' .. score)
    local high = redis.call('ZCOUNT', key, '-inf', score)
    while low < high do
        local middle = math.floor((low + high) / 2)
        local member = redis.call('ZRANGE', key, middle, middle)[1]
        if before(id, member) then high = middle else low = middle + 1 end
    end
    return low
end

-- Up to n members of some sets together, behind a place: a list of {id, score}.
local function slice(keys, score, id, n)
    local found = {}
    for _, key in ipairs(keys) do
        local rank = score and rank_behind(key, score, id) or 0
        local part = redis.call('ZRANGE', key, rank, rank + n - 1, 'WITHSCORES')
        for i = 1, #part, 2 do found[#found + 1] = {id = part[i], score = part[i + 1]} end
    end
    if #keys == 1 then return found end
    table.sort(found, function(a, b)
        local x, y = tonumber(a.score), tonumber(b.score)
        if x ~= y then return x < y end
        return before(a.id, b.id)
    end)
    return {unpack(found, 1, math.min(n, #found))}
end

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
