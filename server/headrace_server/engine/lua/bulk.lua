-- bulk: the agenda's step of an operation: so many of its jobs in one script, with their count and the place where to go on, so
-- that whoever does the next step finds all as it was left; uses lib, options, moves, acts, filters, walking and steps.

local BULK = {}
function BULK.retry(id, rev, op) return redrive_one(load(id, with(unpack(TO_REDRIVE))), rev, op.target or '') == 'ready' end
function BULK.cancel(id, rev) return cancel_one(load(id, with(unpack(TO_CANCEL))), rev, '', 'soft') ~= 'final' end
function BULK.delete(id, rev) return delete_one(load(id, with()), rev) == 'deleted' end
function BULK.move(id, rev, op)
    local job = load(id, with(unpack(TO_PATCH)))
    return job.q ~= op.target and patch_one(job, rev, nil, nil, op.target) == 'patched'
end
function BULK.purge(id, rev)
    local job = load(id, with())
    if OPEN[job.s] then remove(job, rev) end
    return true
end

local function read_operation(id)
    local flat, op = redis.call('HGETALL', operation_key(id)), {}
    for i = 1, #flat, 2 do op[flat[i]] = flat[i + 1] end
    return op
end

local function filter_of_operation(op)
    local states, words = {}, {}
    for state in string.gmatch(op.states, '%S+') do states[#states + 1] = state end
    for i, name in ipairs(FILTER_WORDS) do words[i] = op[name] end
    local filter = filter_of(states, words)
    filter.rev = tonumber(op.rev) -- what changed since it was asked for is not meant, nor what it has done itself
    return filter
end

-- Find up to `most` of its jobs, looking at `n`; return their ids, and note how far it came.
local function find_some(op, n, most)
    local ids = {}
    local at = {queue = op.at_queue, state = tonumber(op.at_state), score = op.at_score ~= '' and op.at_score or nil, id = op.at_id}
    local looked_at, rest, jobs = walk(filter_of_operation(op), at, math.max(2, n), function(id)
        ids[#ids + 1] = id
        return #ids < most
    end)
    op.scanned = text(tonumber(op.scanned) + jobs)
    if rest then
        op.at_queue, op.at_state, op.at_score, op.at_id = rest.queue, text(rest.state), rest.score or '', rest.id or ''
    else
        op.state, op.finished = 'done', text(now)
    end
    return ids, looked_at
end

local function do_some(op, ids)
    op.matched = text(tonumber(op.matched) + #ids)
    local room = DEFAULTS.operation_sample - #op.sample / 16
    op.sample = op.sample .. table.concat(ids, '', 1, math.min(room, #ids))
    if op.dry == '1' or #ids == 0 then return end
    local rev, done = reserve(#ids), 0
    for i, id in ipairs(ids) do
        if BULK[op.action](id, rev + i, op) then done = done + 1 end
    end
    op.done, op.skipped = text(tonumber(op.done) + done), text(tonumber(op.skipped) + #ids - done)
end

-- An operation that ended is shown for a while.
local function forget_operation(id, op)
    local until_ms = tonumber(op.finished) + DEFAULTS.operation_retention_ms
    if now < until_ms then return 1, until_ms end
    redis.call('DEL', operation_key(id))
    redis.call('ZREM', OPERATIONS, id)
    return 1, nil
end

local SLICE_MS = 100 -- of what a rate allows
local function step_operation(id, n)
    local op = read_operation(id)
    if not op.state then return 1, nil end
    if op.state ~= 'running' then return forget_operation(id, op) end
    local each_ms = op.dry ~= '1' and tonumber(op.each_ms) or 0
    local most = each_ms > 0 and math.max(1, math.min(n, math.floor(SLICE_MS / each_ms))) or n
    local ids, looked_at = find_some(op, n, most)
    do_some(op, ids)
    redis.call('HSET', operation_key(id), 'state', op.state, 'finished', op.finished, 'scanned', op.scanned, 'matched', op.matched,
        'done', op.done, 'skipped', op.skipped, 'sample', op.sample, 'at_queue', op.at_queue, 'at_state', op.at_state,
        'at_score', op.at_score, 'at_id', op.at_id)
    if op.state == 'done' then return looked_at, now + DEFAULTS.operation_retention_ms end
    return looked_at, math.ceil(now + #ids * each_ms)
end
