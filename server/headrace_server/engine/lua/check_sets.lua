-- check_sets: whether what lies in a queue's structures belongs there; uses lib, settings, lanes, options, moves, pages and checks.

local CHECKS = {}
local PAGE = DEFAULTS.check_step

-- Jobs by their ids: from the record to everything that must know of it.
function CHECKS.job(...)
    local names = with('pr', 'rv')
    for _, id in ipairs({...}) do
        local job = load(id, names)
        if job.q and KNOWN[job.s] then
            check_place(job)
            check_options(job)
        elseif redis.call('EXISTS', job_key(id)) == 1 and wrong('record', job.q or '', id, 'has no state or no queue') then
            redis.call('UNLINK', job_key(id))
        end
    end
end

function CHECKS.attempts(...)
    for _, id in ipairs({...}) do
        local is_left = redis.call('EXISTS', job_key(id)) == 0 and redis.call('EXISTS', attempts_key(id)) == 1
        if is_left and wrong('record', '', id, 'has attempts and no job') then
            redis.call('UNLINK', attempts_key(id))
        end
    end
end

-- A page of a sorted set: `belongs(member, score)` says what is wrong with a member, which then leaves the set (or is mended by
-- `mend`). Return the place where to go on, nil at the end.
local function check_page(key, score, id, belongs, mend)
    local part = slice({key}, score ~= '' and score or nil, id, PAGE)
    looked_at = looked_at + #part
    for _, each in ipairs(part) do
        local kind, queue, job_id, detail = belongs(each.id, each.score)
        if kind and wrong(kind, queue, job_id, detail) then
            if mend then mend(each.id) else redis.call('ZREM', key, each.id) end
        end
    end
    local last = part[PAGE]
    return last and {last.score, last.id}
end

local SETS = {}
for state in pairs(KNOWN) do
    SETS[state] = function(job) return job.s == state and not (state == 'ready' and job.lane) end
end
function SETS.laned(job) return job.s == 'ready' and job.lane end
function SETS.expiring(job, score) return OPEN[job.s] and job.ex == score end
function SETS.results(job) return job.s == 'succeeded' end

-- A set of a queue's jobs, whose head must have its turn in time.
function CHECKS.set(queue, name, score, id)
    local key = set_key(queue, name)
    local kind = KNOWN[name] or (name == 'expiring' and 'expire') or (name == 'results' and 'results') or ''
    local names = with()
    local go_on = check_page(key, score, id, function(member, member_score)
        local job = load(member, names)
        if job.q == queue and SETS[name](job, tonumber(member_score)) then return end
        return 'place', queue, member, 'lies in ' .. name .. ' and does not belong there'
    end)
    local head = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
    if score == '' and kind ~= '' and head[1] then expect_planned(kind, queue, tonumber(head[2]), queue) end
    return go_on
end

function CHECKS.tag(tag, score, id)
    return check_page(tag_key(tag), score, id, function(member)
        local job = load(member, with())
        if job.s and string.find(SEPARATOR .. (job.tg or '') .. SEPARATOR, SEPARATOR .. tag .. SEPARATOR, 1, true) then return end
        return 'tag', job.q, member, 'is found by the tag ' .. tag .. ' and does not have it'
    end)
end

-- A queue that has something must be known by name, and for what it has (a bit of its marks).
local function check_name(queue, bit)
    local is_named = (marks_of(queue) or 0) >= SEAT and redis.call('ZSCORE', QUEUES, queue)
    if is_named and (bit == 0 or has(queue, bit)) then return end
    if not wrong('name', queue, '', 'is not known for what it has') then return end
    mark(queue, bit)
    redis.call('HSET', MARKS, queue, marks_of(queue))
    redis.call('ZADD', QUEUES, 0, queue)
end

function CHECKS.name(queue, bit, structure)
    if redis.call('EXISTS', set_key(queue, structure)) == 1 then check_name(queue, tonumber(bit)) end
end

-- Names in one of the two places where all of them must be.
function CHECKS.known(...)
    for _, queue in ipairs({...}) do
        if marks_of(queue) or redis.call('ZSCORE', QUEUES, queue) then check_name(queue, 0) end
    end
end
