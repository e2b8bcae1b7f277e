-- lease: hand out jobs to requests in order; queues strictly in order, the head of each queue first.
-- uses:    lib places deliveries settings cells tallies lanes runs options loading moves buckets gates turns terms grants
-- states:  ready -> leased, ready -> cancelled
-- keys:    meta (hash), j:<id> (hash), q:<queue>:{ready,leased,cancelled,expiring} (zset), r:<worker> (hash), agenda (zset)
-- args:    run id, jobs in all, payload bytes in all, number of requests; a request: jobs, payload bytes, lease in ms or '', worker or '',
--          key digest (16 bytes or ''), mode (new | append: one more part of a request | replay: only look),
--          first ('1': the request has no job yet, and its first comes whatever its size | ''), wait in ms,
--          seen ('1': note that somebody asks for these queues' jobs | ''), tokens (16 bytes each, joined), number of queues, queues
-- returns: per request: replayed | dry (no more in its queues) | full (by jobs or bytes) | cut (the script's bounds were reached
--          in the middle of it) | again (they were reached before it), then the leased jobs
-- flags:   allow-oom
-- cost:    O(log n) per job handed out, O(1) per queue looked at; a record is replayed as a whole, up to 1000 jobs

local jobs_left, bytes_left = tonumber(ARGV[2]), tonumber(ARGV[3])
local position = 4
local function take()
    position = position + 1
    return ARGV[position]
end
local requests = {}
for i = 1, tonumber(ARGV[4]) do
    local ask = {
        jobs = tonumber(take()), bytes = tonumber(take()), lease_ms = tonumber(take()), worker = take(), key = take(),
        mode = take(), first = take() == '1', wait_ms = tonumber(take()), seen = take() == '1', tokens = take(), queues = {}, last_ms = 0, terms = {},
    }
    for j = 1, tonumber(take()) do ask.queues[j] = take() end
    requests[i] = ask
end
assert(position == #ARGV, 'lease: wrong number of arguments')

-- Take from one queue into `out`; return what ended it.
local function take_from(ask, queue, out)
    local laned, gated = has(queue, HAS_LANES) or has(queue, HAS_TURNS), settings(queue) ~= NONE
    while #out < ask.jobs and jobs_left > 0 do
        local n = math.min(ask.jobs - #out, jobs_left, gated and room_of(queue) or math.huge)
        if n <= 0 then return 'dry' end
        local heads
        if laned then
            heads = next_in_lanes(queue)
        else
            heads = redis.call('ZRANGE', up_to_date(set_key(queue, 'ready')), 0, n - 1, 'WITHSCORES')
        end
        if not heads then jobs_left = 0 break end -- enough lanes touched for one script
        if #heads == 0 then return 'dry' end
        local rev = reserve(#heads / 2)
        for i = 1, #heads, 2 do
            local job = load_whole(heads[i])
            job.sc, rev, jobs_left = heads[i + 1], rev + 1, jobs_left - (laned and 2 or 1) -- as long as two
            if job.ex and job.ex <= now then
                expire(job, rev)
            else
                if #job.p > ask.bytes and not (ask.first and #out == 0) then return 'full' end
                if #job.p > bytes_left and #out > 0 then return 'cut' end
                ask.bytes, bytes_left = ask.bytes - #job.p, bytes_left - #job.p
                out[#out + 1] = hand_out(ask, job, rev, string.sub(ask.tokens, 16 * #out + 1, 16 * #out + 16))
                if gated then pass_queue(queue) end
                if laned then
                    pass_limits(job)
                    count_turn(job)
                end
            end
        end
    end
    return #out == ask.jobs and 'full' or 'cut'
end

local empty, wait_until = {}, tonumber(meta[5])
local function lease(ask)
    if jobs_left <= 0 or bytes_left <= 0 then return {'again'} end
    if ask.key ~= '' and ask.mode ~= 'append' then
        local replayed, jobs, bytes = replay(ask)
        if replayed then jobs_left, bytes_left = jobs_left - jobs, bytes_left - bytes end
        if replayed or ask.mode == 'replay' then return replayed or {'dry'} end
    elseif ask.key ~= '' and was_replayed(ask) then
        return {'full'} -- nobody waits for more
    end
    for _, queue in ipairs(ask.seen and ask.queues or {}) do
        if marks_of(queue) then redis.call('HSET', POLLED, queue, text(now)) end
    end
    local out, ending = {}, 'dry'
    for _, queue in ipairs(ask.queues) do
        if #out == 0 and (jobs_left <= 0 or bytes_left <= 0) then return {'again'} end
        ending = empty[queue] and 'dry' or take_from(ask, queue, out)
        if ending ~= 'dry' then break end
        empty[queue] = true
    end
    if #out == 0 and jobs_left <= 0 then return {'again'} end -- spent on expired jobs
    if #out == 0 and ask.wait_ms > 0 then wait_until = math.max(wait_until, now + ask.wait_ms) end
    if #out > 0 and ask.key ~= '' then record(ask, out) end
    return {ending, unpack(out)}
end

local answers = {}
for i, ask in ipairs(requests) do
    know(ask.queues)
    answers[i] = lease(ask)
end
-- Told ahead by a minute, so that polls that come again and again cost no write each.
if wait_until > tonumber(meta[5]) then redis.call('HSET', META, 'wait_until', text(wait_until + 60000)) end
return finish_script(answers)
