-- steps: what the agenda's kinds do; each step takes a name and a bound, and returns how much it did and when it is due again;
-- uses lib and moves.

local function due_ids(key, n) return redis.call('ZRANGEBYSCORE', key, '-inf', text(now), 'WITHSCORES', 'LIMIT', 0, n) end

-- The earliest score of some sets, nil when all are empty.
local function earliest(...)
    local first
    for _, key in ipairs({...}) do
        local head = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
        if head and (not first or tonumber(head) < first) then first = tonumber(head) end
    end
    return first
end

-- Ids as bytes: Lua's own `<` follows the locale of the store's process.
local function id_before(a, b)
    for i = 1, 16 do
        local x, y = string.byte(a, i), string.byte(b, i)
        if x ~= y then return x < y end
    end
    return false
end

local STEPS = {}

-- Due jobs of both waiting states become ready in the order of (due, id).
function STEPS.promote(queue, n)
    local scheduled, retrying = set_key(queue, 'scheduled'), set_key(queue, 'retrying')
    local due = {}
    for _, key in ipairs({scheduled, retrying}) do
        local found = due_ids(key, n)
        for i = 1, #found, 2 do due[#due + 1] = {id = found[i], at = tonumber(found[i + 1])} end
    end
    table.sort(due, function(a, b)
        if a.at ~= b.at then return a.at < b.at end
        return id_before(a.id, b.id)
    end)
    local done = math.min(#due, n)
    local rev = done > 0 and reserve(done)
    for i = 1, done do
        local job = load(due[i].id, with('pr'))
        move(job, 'ready', ready_score(tonumber(job.pr) or DEFAULTS.priority, rev + i), rev + i, {}, {'ru'})
    end
    return done, earliest(scheduled, retrying)
end

-- Leases that ran out: one crash more, and back to their place or dead. The token stays, for a late settle.
function STEPS.reap(queue, n)
    local key = set_key(queue, 'leased')
    local due = due_ids(key, n)
    local rev = #due > 0 and reserve(#due / 2)
    for i = 1, #due, 2 do
        local job = load(due[i], with('sc', 'cr', 'mc', 'dl', 'st', 'w'))
        rev, job.cr = rev + 1, job.cr + 1
        record_attempt(job, 'crash', DEFAULTS.lease_expired)
        if job.cr >= job.mc then
            finish(job, 'dead', rev, {'cr', text(job.cr), 'rs', 'max_crashes'})
        else
            move(job, 'ready', job.sc, rev, {'cr', text(job.cr)})
        end
    end
    return #due / 2, earliest(key)
end

-- Jobs that nobody took in time.
function STEPS.expire(queue, n)
    local key = set_key(queue, 'expiring')
    local due = due_ids(key, n)
    local rev = #due > 0 and reserve(#due / 2)
    for i = 1, #due, 2 do
        rev = rev + 1
        finish(load(due[i], with()), 'cancelled', rev, {'rs', 'expired'})
    end
    return #due / 2, earliest(key)
end
