-- check_lanes: whether lanes are open, busy or held back as their jobs say, and slots taken; uses lib, lanes, gates, pages, checks
-- and check_sets.

-- Whether a limit of its head holds a lane back.
local function is_held_back(queue, lane, head)
    for limit in string.gmatch(redis.call('HGET', job_key(head), 'li') or '', '%S+') do
        if redis.call('ZSCORE', shut_key(limit), queue .. SEPARATOR .. lane) then return true end
    end
    return false
end

local function check_open(queue, lane)
    local head = redis.call('ZRANGE', lane_key(queue, lane), 0, 0, 'WITHSCORES')
    local place = redis.call('ZSCORE', open_key(queue, tenant_of(lane)), lane)
    local may_give = head[1] and not (is_ordered(lane) and redis.call('HEXISTS', set_key(queue, 'busy'), lane) == 1)
    if place and not may_give then return 'is open and has nothing to give' end
    if place and tonumber(place) ~= tonumber(head[2]) then return 'is open at another place than that of its head' end
    if may_give and not place and not is_held_back(queue, lane, head[1]) then return 'is closed and nothing holds it back' end
end

local function check_lane(queue, lane)
    local detail = check_open(queue, lane)
    if detail and wrong('lane', queue, '', 'a lane ' .. detail) and refresh(queue, lane) then wake(queue) end
end

function CHECKS.lane(queue, lane, score, id)
    local names = with()
    local go_on = check_page(lane_key(queue, lane), score, id, function(member)
        local job = load(member, names)
        if job.s == 'ready' and job.q == queue and job.lane == lane then return end
        return 'lane', queue, member, 'lies in a lane and does not belong there'
    end)
    if score == '' then check_lane(queue, lane) end
    return go_on
end

function CHECKS.open(queue, tenant, score, lane)
    local turns = set_key(queue, 'turns')
    local part = slice({open_key(queue, tenant)}, score ~= '' and score or nil, lane, PAGE)
    if tenant ~= '' and part[1] and not redis.call('ZSCORE', turns, tenant) and wrong('turn', queue, '', 'a tenant with open lanes has no turn') then
        redis.call('ZADD', turns, text(turn_of(queue, tenant)), tenant)
    end
    looked_at = looked_at + #part
    for _, each in ipairs(part) do check_lane(queue, each.id) end
    return part[PAGE] and {part[PAGE].score, part[PAGE].id}
end

function CHECKS.turns(queue, score, tenant)
    return check_page(set_key(queue, 'turns'), score, tenant, function(member)
        if redis.call('EXISTS', open_key(queue, member)) == 0 then return 'turn', queue, '', 'a tenant without open lanes has a turn' end
    end)
end

-- Lanes and the jobs that keep them busy, one after the other.
function CHECKS.busy(queue, ...)
    local pairs_of = {...}
    for i = 1, #pairs_of, 2 do
        local lane, job = pairs_of[i], load(pairs_of[i + 1], with())
        local is_busy = job.s and job.q == queue and job.lane == lane and keeps_busy(job, job.s)
        local known = redis.call('HGET', set_key(queue, 'busy'), lane) == job.id -- it may have changed since it was listed
        if known and not is_busy and wrong('order', queue, job.id, 'keeps its ordering key busy and does nothing') then
            redis.call('HDEL', set_key(queue, 'busy'), lane)
            if refresh(queue, lane) then wake(queue) end
        end
    end
end

function CHECKS.slots(limit, ...)
    for _, id in ipairs({...}) do
        local job = load(id, with())
        local takes_one = job.s == 'leased' and string.find(' ' .. (job.li or '') .. ' ', ' ' .. limit .. ' ', 1, true)
        local known = redis.call('SISMEMBER', slots_key(limit), id) == 1
        if known and not takes_one and wrong('slot', job.q, id, 'has a slot of ' .. limit .. ' and does not run') then
            redis.call('SREM', slots_key(limit), id)
            if redis.call('EXISTS', shut_key(limit)) == 1 then open_some(limit, 1, 1) end
        end
    end
end

-- What a limit holds back must be looked at again: by whoever frees a slot, or by the agenda.
function CHECKS.shut(limit)
    if redis.call('EXISTS', shut_key(limit)) == 0 then return end
    if not redis.call('ZSCORE', BLOCKED, limit) and wrong('limit', '', '', limit .. ' holds lanes back unknown to all') then
        redis.call('ZADD', BLOCKED, 0, limit)
    end
    if (shut_until(limit) or now) == math.huge or redis.call('ZSCORE', AGENDA, 'open:' .. limit) then return end
    local name = limit
    while name do
        if redis.call('ZSCORE', AGENDA, 'relimit:' .. name) then return end
        name = string.match(name, '^(.*):[^:]*$')
    end
    if wrong('agenda', '', '', 'lanes that ' .. limit .. ' holds back are never looked at again') then plan('open', limit, now) end
end
