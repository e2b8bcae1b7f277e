-- lanes: where ready jobs with limits, fairness or ordering lie, and which of these lanes are open; uses lib, places and settings.
-- A lane is open while it may give its head: it stands in `open:<tenant>` at its head's place. One that a limit holds
-- back lies in `shut:<limit>` until the limit lets go; a lane of an ordering key is closed while one of its jobs is out.

-- Jobs of an ordering key share a lane whatever their limits, or they would overtake each other.
local function lane_of(job)
    local tenant = job.fk or ''
    if job.ok then return 'o' .. tenant .. SEPARATOR .. job.ok end
    return 'l' .. tenant .. SEPARATOR .. (job.li or '')
end
local function is_ordered(lane) return string.byte(lane) == 111 end -- 'o'
local function tenant_of(lane) return string.sub(lane, 2, string.find(lane, SEPARATOR, 1, true) - 1) end

-- The virtual time at which a tenant's next turn starts: not before the queue's own, which is that of the last turn.
local times_of = {} -- by queue, as far as this script has looked
local function turn_of(queue, tenant)
    local times, name = times_of[queue] or {}, 't' .. tenant
    if not times[name] then
        local found = redis.call('ZMSCORE', set_key(queue, 'times'), 'V', name)
        times.V, times[name] = times.V or tonumber(found[1]) or 0, tonumber(found[2]) or 0
    end
    times_of[queue] = times
    return math.max(times.V, times[name])
end

local function close(queue, lane)
    local tenant = tenant_of(lane)
    redis.call('ZREM', open_key(queue, tenant), lane)
    if tenant ~= '' and redis.call('EXISTS', open_key(queue, tenant)) == 0 then
        redis.call('ZREM', set_key(queue, 'turns'), tenant)
    end
end

-- Open a lane that has a job and is not busy, close any other; which job is its head may have changed. Return whether
-- the lane was closed before and is open now.
local function refresh(queue, lane)
    local head = redis.call('ZRANGE', lane_key(queue, lane), 0, 0, 'WITHSCORES')
    if not head[1] or (is_ordered(lane) and redis.call('HEXISTS', set_key(queue, 'busy'), lane) == 1) then
        close(queue, lane)
        return false
    end
    local tenant = tenant_of(lane)
    local opened = redis.call('ZADD', open_key(queue, tenant), head[2], lane) == 1
    if opened and tenant ~= '' and not redis.call('ZSCORE', set_key(queue, 'turns'), tenant) then
        redis.call('ZADD', set_key(queue, 'turns'), text(turn_of(queue, tenant)), tenant)
    end
    return opened
end

-- Into the lane, at a place; `laned` has all ready jobs of a queue that lie in lanes, for those who count and list.
local function join(job, place)
    mark(job.q, HAS_LANES)
    if job.fk then mark(job.q, HAS_TURNS) end
    redis.call('ZADD', lane_key(job.q, job.lane), place, job.id)
    lay(set_key(job.q, 'laned'), place, job.id)
    if redis.call('ZRANK', lane_key(job.q, job.lane), job.id) == 0 then refresh(job.q, job.lane) end
end

local function leave(job)
    redis.call('ZREM', lane_key(job.q, job.lane), job.id)
    take_out(set_key(job.q, 'laned'), job.id)
end

-- Open up to n lanes that a limit held back, each for so many polls; what is left has its turn by the agenda, as long as the limit has room.
local SOON_MS = 20 -- for those that are open now to use the room
local function open_some(limit, n, polls)
    local key = shut_key(limit)
    local members = redis.call('ZRANGE', key, 0, n - 1)
    if #members > 0 then redis.call('ZREMRANGEBYRANK', key, 0, #members - 1) end
    for _, member in ipairs(members) do
        local cut = string.find(member, SEPARATOR, 1, true)
        local queue, lane = string.sub(member, 1, cut - 1), string.sub(member, cut + 1)
        refresh(queue, lane)
        wake(queue, polls)
    end
    if redis.call('EXISTS', key) == 1 then plan('open', limit, now + SOON_MS) else redis.call('ZREM', BLOCKED, limit) end
    return #members
end

-- The moves into and out of `leased` take and free the slots of a job's limits, and nothing else does.
local slots_taken = {} -- by limit, as far as this script has looked
local function leased_under(limit)
    slots_taken[limit] = slots_taken[limit] or redis.call('SCARD', slots_key(limit))
    return slots_taken[limit]
end
local function take_slots(job)
    for limit in string.gmatch(job.li or '', '%S+') do
        local taken = redis.call('SADD', slots_key(limit), job.id)
        if slots_taken[limit] then slots_taken[limit] = slots_taken[limit] + taken end
    end
end
local function free_slots(job)
    for limit in string.gmatch(job.li or '', '%S+') do
        redis.call('SREM', slots_key(limit), job.id)
        slots_taken[limit] = nil
        if redis.call('EXISTS', shut_key(limit)) == 1 then open_some(limit, 1, 1) end
    end
end
