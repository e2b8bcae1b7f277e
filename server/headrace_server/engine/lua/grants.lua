-- grants: how a job is leased and described to its worker, and the record that lets a lost answer be asked for again; uses lib,
-- deliveries, settings, options, moves and terms.

-- Load all fields of a job: its worker gets nearly all of them.
local function load_whole(id)
    local key = JOB .. id
    local flat, job = redis.call('HGETALL', key), {
        id = id, key = key, s = false, dl = 0, at = nil, q = nil, t = nil, p = nil, ca = nil, rv = nil, k = nil, fe = nil, sc = nil,
        st = nil, deadline = nil, grant = nil, -- sixteen: with one more the table would be twice as large
    }
    for i = 1, #flat, 2 do job[flat[i]] = flat[i + 1] end
    job.at = job.at and tonumber(job.at) or 1
    if job.o then number_options(job) end
    if not job.k then return job end
    understand_grant(job)
    local delivery, fence, _, end_ms, place = lease_facts(job.grant)
    job.dl, job.fe, job.ul, job.sc, job.st = tonumber(delivery), fence, end_ms, place, job.last.began
    return job
end

-- All that its worker gets: id and token, these facts, the payload; then, if it has any of them: its format, meta, trace, checkpoint,
-- and its slot of a schedule.
local function describe(job, token, facts)
    if job.pt or job.m or job.tr or job.ck or job.sd then
        return {job.id, token, facts, job.p, job.pt or '', job.m or '', job.tr or '', job.ck or '', job.sd or ''}
    end
    return {job.id, token, facts, job.p}
end

-- Give a job to a request, under a token.
local function hand_out(ask, job, rev, token)
    local terms = terms_for(ask, job)
    say(job, terms)
    if terms.waited_ms then observe(job.t, WAIT, terms.waited_ms) end
    if job.rs or job.pg then redis.call('HDEL', job.key, 'rs', 'pg') end -- of the delivery before
    put(job, 'leased', terms.deadline_ms, rev, 'k', token .. terms.words .. job.sc .. terms.worker)
    return describe(job, token, terms.facts)
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
            out[#out + 1], bytes = describe(job, job.k, facts_of(job, text(job.deadline))), bytes + #job.p
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
