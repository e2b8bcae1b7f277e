-- relay: what the log of a shard tells becomes deliveries of webhooks, once: whoever comes second finds that it was read on.
-- uses:    lib places deliveries settings cells tallies lanes runs options loading moves unique refusals births hooks
-- states:  (new) -> ready
-- keys:    meta, hook:state (hash), those of enqueue
-- args:    run id, version of the webhooks, shard, the rev up to which its log was read, and is from now on; number of webhooks
--          that are not told of something: name, of how many events; number of deliveries: name, of how many events that it was not
--          told of it tells ('': of one that it is told), id, queue, when it is given up in unix ms, body
-- returns: moved (another rev or version); or done, number of deliveries made
-- flags:   none
-- cost:    O(log n) per delivery

local position = 6
local function take()
    position = position + 1
    return ARGV[position - 1]
end

local version, shard, from, to = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if version ~= version_of_hooks() or (redis.call('HGET', HOOK_STATE, rev_field(shard)) or '') ~= from then
    return finish_script({'moved', '0'})
end

local function miss(name, n) redis.call('HINCRBY', HOOK_STATE, missed_field(name), n) end

local function relay(rev)
    local name, missed = take(), take()
    local job = {id = take(), q = take(), ex = tonumber(take()), o = 'e', t = 'webhook', p = take()}
    if redis.call('EXISTS', job_key(job.id)) == 1 then return 0 end
    if missed ~= '' and redis.call('HGET', HOOK_STATE, missed_field(name)) ~= missed then return 0 end
    if refuse({jobs = {job}}) then -- too many wait already: it is told how many it was not told of, once there is room
        if missed == '' then miss(name, 1) end
        return 0
    end
    stand(job, rev, true)
    if missed ~= '' then redis.call('HDEL', HOOK_STATE, missed_field(name)) end
    return 1
end

for _ = 1, tonumber(take()) do miss(take(), tonumber(take())) end
local n, made = tonumber(take()), 0
local rev = reserve(n)
for i = 1, n do made = made + relay(rev + i) end
assert(position == #ARGV + 1, 'relay: wrong number of arguments')
redis.call('HSET', HOOK_STATE, rev_field(shard), to)
return finish_script({'done', text(made)})
