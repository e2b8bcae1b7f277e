-- steps: what the agenda's kinds do; each step takes a name and a bound, and returns how much it did and when it is due again;
-- uses lib, places, settings, lanes, options, moves and failing.

local RANDOM = tonumber(ARGV[5]) -- what this script's backoffs draw

-- Due members of a set with their scores, up to n; then the score of the next one if it was seen (infinity: there is none).
-- Most sets have one that is due, or none: two members tell.
local function due_ids(key, n)
    if n <= 0 then return {} end
    local found = redis.call('ZRANGE', up_to_date(key), 0, 1, 'WITHSCORES')
    local first, second = tonumber(found[2]) or math.huge, tonumber(found[4]) or math.huge
    if first > now then return {}, first end
    if second > now then return {found[1], found[2]}, second end
    return redis.call('ZRANGEBYSCORE', key, '-inf', now_text, 'WITHSCORES', 'LIMIT', 0, n)
end
-- The earliest score of some sets, nil when all are empty. `seen` has those that are known, in the same order.
local function earliest(keys, seen)
    local first = math.huge
    for i, key in ipairs(keys) do
        local score = seen[i] or tonumber(redis.call('ZRANGE', up_to_date(key), 0, 0, 'WITHSCORES')[2])
        if score and score < first then first = score end
    end
    return first < math.huge and first or nil
end

-- Ids as bytes: Lua's own `<` follows the locale of the store's process.
local function id_before(a, b)
    for i = 1, 16 do
        local x, y = string.byte(a, i), string.byte(b, i)
        if x ~= y then return x < y end
    end
    return false
end
local function comes_before(a, b)
    if a.at ~= b.at then return a.at < b.at end
    return id_before(a.id, b.id)
end
local STEPS = {}
-- Due jobs of both waiting states become ready in the order of (due, id).
function STEPS.promote(queue, n)
    local keys, due, seen = {set_key(queue, 'scheduled'), set_key(queue, 'retrying')}, {}, {}
    for set, key in ipairs(keys) do
        local found, next_ms = due_ids(key, n)
        seen[set] = next_ms
        for i = 1, #found, 2 do due[#due + 1] = {id = found[i], at = tonumber(found[i + 1])} end
    end
    if #due > 1 then table.sort(due, comes_before) end
    local done = math.min(#due, n)
    local rev, names = done > 0 and reserve(done), with('pr')
    for i = 1, done do
        local job = load(due[i].id, names)
        -- the retry of an ordered job goes before those that came after it
        local place = job.ok and job.s == 'retrying' and place_of(job) or new_place(job, rev + i)
        move(job, 'ready', place, rev + i, {})
    end
    return done, done < #due and now or earliest(keys, seen)
end

-- A lease that ran out: one crash more, and back to its place or dead. The token stays, for a late settle.
local function crash(job, rev)
    tally(job.q, 'lease_lost')
    local crashes = {'cr', text(job.cr + 1)}
    record_attempt(job, 'crash', DEFAULTS.lease_expired, 'LeaseExpired', crashes)
    if has_option(job, 'c') then
        redis.call('HSET', job.key, unpack(crashes))
        return call_off(job, rev, job.cq)
    end
    if job.cr + 1 >= resolve(job.mc, job.q, 'max_crashes') then return bury(job, rev, 'max_crashes', crashes) end
    move(job, 'ready', place_of(job), rev, crashes)
end

-- Leases that ran out, and those that had run for as long as their jobs may.
function STEPS.reap(queue, n)
    local key = set_key(queue, 'leased')
    local due, next_ms = due_ids(key, n)
    local rev, names = #due > 0 and reserve(#due / 2), with('cr', 'mc', unpack(FAILING))
    for i = 1, #due, 2 do
        local job = load(due[i], names)
        rev = rev + 1
        local end_ms = tonumber((select(4, lease_facts(job.grant))))
        if end_ms and now >= end_ms then
            local how = {kind = 'runtime', error = DEFAULTS.runtime_exceeded, type = 'MaxRuntimeExceeded', retryable = true}
            how.random = RANDOM
            fail(job, rev, how, {'k', voided(job.grant)})
        else
            crash(job, rev)
        end
    end
    return #due / 2, earliest({key}, {next_ms})
end

-- Jobs that nobody took in time.
function STEPS.expire(queue, n)
    local key = set_key(queue, 'expiring')
    local due, next_ms = due_ids(key, n)
    local rev = #due > 0 and reserve(#due / 2)
    for i = 1, #due, 2 do expire(load(due[i], with('t')), rev + (i + 1) / 2) end
    return #due / 2, earliest({key}, {next_ms})
end
