-- grants: how a job is leased and described to its worker, and the record that lets a lost answer be asked for again; uses lib,
-- deliveries, settings, options and moves.

-- Load all fields of a job: its worker gets nearly all of them.
local function load_whole(id)
    local key = job_key(id)
    local flat, job = redis.call('HGETALL', key), {
        id = id, key = key, is_whole = true, s = false, dl = 0, at = nil, q = nil, t = nil, p = nil, ca = nil, rv = nil, k = nil,
        fe = nil, sc = nil, st = nil, deadline = nil, -- sixteen: with one more the table would be twice as large
    }
    for i = 1, #flat, 2 do
        local name, value = flat[i], flat[i + 1]
        job[name] = NUMERIC[name] and tonumber(value) or value
    end
    understand(job)
    if not job.grant then return job end
    local delivery, fence, _, end_ms, place = lease_facts(job.grant)
    job.dl, job.fe, job.ul, job.sc, job.st = tonumber(delivery), fence, end_ms, place, lease_began(job.grant)
    return job
end

-- What its worker gets: id and token; what jobs that are handed out together mostly share, in one text with spaces between: task,
-- queue, priority, attempt, delivery, attempts at most, when it was enqueued, fence, deadline, running time or '', where '' of
-- priority and attempts stands for the server's; the payload; then, if it has any of them: its format, meta, trace, checkpoint,
-- and its slot of a schedule.
local function describe(job, deadline)
    local facts = job.t .. ' ' .. job.q .. ' ' .. resolved_text(job.pr, job.q, 'priority') .. ' ' .. text(job.at) .. ' ' .. text(job.dl)
        .. ' ' .. resolved_text(job.ma, job.q, 'max_attempts') .. ' ' .. job.ca .. ' ' .. job.fe .. ' ' .. deadline .. ' ' .. (job.mx or '')
    local words = {job.id, job.k, facts, job.p}
    if job.pt or job.m or job.tr or job.ck or job.sd then
        words[5], words[6], words[7], words[8], words[9] = job.pt or '', job.m or '', job.tr or '', job.ck or '', job.sd or ''
    end
    return words
end

-- Give a job to a request, under a token.
local function hand_out(ask, job, rev, token)
    local lease_ms = ask.lease_ms or resolve(job.le, job.q, 'lease_ms')
    local runtime_ms = resolve(job.mx, job.q, 'max_runtime_ms')
    local due_ms = math.max(opened_ms(job), tonumber(job.ru) or 0)
    if not job.st or tonumber(job.st) < due_ms then observe(job.t, WAIT, math.max(0, now - due_ms)) end -- once each time it was due
    job.k, job.deadline, job.dl = token, now + math.min(lease_ms, runtime_ms or lease_ms), job.dl + 1
    job.fe = time_text(next_fence(job.fe))
    if runtime_ms then job.mx = text(runtime_ms) end
    local words = lease_words(job, lease_ms, runtime_ms and now + runtime_ms, ask.worker)
    local stale = job.rs or job.pg -- of the delivery before
    move(job, 'leased', job.deadline, rev, {'k', words}, stale and {'rs', 'pg'})
    plan('reap', job.q, job.deadline)
    if job.deadline > ask.last_ms then ask.last_ms = job.deadline end
    return describe(job, time_text(job.deadline))
end

-- The live leases of the record, when this very request was answered before; then how many jobs were looked at, and
-- the bytes of their payloads.
local function replay(ask)
    local known = redis.call('HMGET', replay_key(ask.worker), 'key', 'leases')
    if known[1] ~= ask.key then return nil end
    redis.call('HINCRBY', replay_key(ask.worker), 'replays', 1)
    local out, bytes = {'replayed'}, 0
    for i = 1, #known[2], 32 do
        local job = load_whole(string.sub(known[2], i, i + 15))
        if job.s == 'leased' and job.k == string.sub(known[2], i + 16, i + 31) then
            if job.ul ~= '' then job.mx = text(job.ul - job.st) end
            out[#out + 1], bytes = describe(job, text(job.deadline)), bytes + #job.p
            redis.call('HSET', job_key(job.id), 'rq', job.k) -- its worker has it, whatever becomes of this record
        end
    end
    return out, #known[2] / 32, bytes
end

-- Whether the client has asked again between two parts of this request: it has the leases of the parts before.
local function was_replayed(ask)
    local known = redis.call('HMGET', replay_key(ask.worker), 'key', 'replays')
    return known[1] == ask.key and tonumber(known[2]) > 0
end

local function record(ask, out)
    local leases = {}
    for i, job in ipairs(out) do leases[i] = job[1] .. job[2] end
    local key = replay_key(ask.worker)
    local known = redis.call('HMGET', key, 'key', 'leases')
    local before = ask.mode == 'append' and known[1] == ask.key and known[2] or ''
    redis.call('HSET', key, 'key', ask.key, 'leases', before .. table.concat(leases), 'replays', '0')
    plan('replay', ask.worker, ask.last_ms)
end
