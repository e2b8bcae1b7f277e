-- turns: which job of a queue with lanes is next: tenants by turns, then the best place; uses lib, places, settings, lanes and gates.

local TURN = 5040 -- of virtual time at weight 1: small weights divide it evenly

-- The best place that a tenant has to offer: a lane, or (for those without a fairness key) a plain job.
local without_plain = {} -- by queue: nothing comes to be ready while jobs are handed out
local function offer_of(queue, tenant)
    local lane, plain = redis.call('ZRANGE', open_key(queue, tenant), 0, 0, 'WITHSCORES'), {}
    if tenant == '' and not without_plain[queue] then
        plain = redis.call('ZRANGE', up_to_date(set_key(queue, 'ready')), 0, 0, 'WITHSCORES')
        without_plain[queue] = not plain[1]
    end
    if plain[1] and not (lane[1] and tonumber(lane[2]) < tonumber(plain[2])) then return {job = plain} end
    if lane[1] then return {lane = lane[1]} end
end

local without_own = {} -- by queue: nor does a lane come to be open then
local function next_offer(queue)
    local own = not without_own[queue] and offer_of(queue, '') or nil
    without_own[queue] = not own
    if not has(queue, HAS_TURNS) then return own end
    local turn = redis.call('ZRANGE', set_key(queue, 'turns'), 0, 0, 'WITHSCORES')
    if not turn[1] or (own and turn_of(queue, '') <= tonumber(turn[2])) then return own end
    return offer_of(queue, turn[1])
end

-- Id and place of the next job, an empty list when no lane gives one, nil when too many lanes had to be shut on the way.
local lanes_left = DEFAULTS.lanes_touched
local function next_in_lanes(queue)
    while lanes_left > 0 do
        local offer = next_offer(queue)
        if not offer then return {} end
        if offer.job then return offer.job end
        local head = redis.call('ZRANGE', lane_key(queue, offer.lane), 0, 0, 'WITHSCORES')
        if not is_shut(queue, offer.lane, head[1], head[2]) then return head end
        lanes_left = lanes_left - 1
    end
end

-- The job took its tenant's turn.
local function count_turn(job)
    if not has(job.q, HAS_TURNS) then return end
    local tenant, times = job.fk or '', set_key(job.q, 'times')
    local start = turn_of(job.q, tenant)
    local after = start + math.floor(TURN / (tonumber(job.fw) or 1))
    redis.call('ZADD', times, text(start), 'V', text(after), 't' .. tenant)
    if start > times_of[job.q].V then -- what lies behind says nothing
        redis.call('ZREMRANGEBYSCORE', times, '-inf', '(' .. text(start))
    end
    times_of[job.q].V, times_of[job.q]['t' .. tenant] = start, after
    if tenant ~= '' then redis.call('ZADD', set_key(job.q, 'turns'), 'XX', text(after), tenant) end
end
