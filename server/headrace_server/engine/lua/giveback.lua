-- giveback: leases whose answer nobody received go back to their place, but for those that a repeated request brought.
-- uses:    lib places deliveries settings cells tallies lanes runs options loading moves
-- states:  leased -> ready, leased -> cancelled
-- keys:    meta (hash), j:<id> (hash), r:<worker> (hash), q:<queue>:{leased,ready,cancelled,expiring} (zset), agenda (zset)
-- args:    run id, worker or '', key digest (16 bytes or ''), number of leases; a lease: id, token (16 bytes each)
-- returns: number of leases given back
-- flags:   allow-oom
-- cost:    O(log n) per lease

local worker, key, n = ARGV[2], ARGV[3], tonumber(ARGV[4])
assert(#ARGV == 4 + 2 * n, 'giveback: wrong number of arguments')
if key ~= '' then
    local record = redis.call('HMGET', replay_key(worker), 'key', 'replays')
    if record[1] == key and tonumber(record[2]) == 0 then redis.call('DEL', replay_key(worker)) end
end
local rev, given_back, fields = reserve(n), 0, with('rq')
for i = 1, n do
    local job = load(ARGV[3 + 2 * i], fields)
    if job.s == 'leased' and job.k == ARGV[4 + 2 * i] and job.rq ~= job.k then
        if has_option(job, 'c') then call_off(job, rev + i, job.cq) else move(job, 'ready', place_of(job), rev + i, {'k', voided(job.grant)}) end
        given_back = given_back + 1
    end
end
return finish_script({text(given_back)})
