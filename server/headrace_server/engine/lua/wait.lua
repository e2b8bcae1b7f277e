-- wait: which jobs have ended, and a message at each change of those that have not.
-- uses:    lib deliveries settings watching
-- states:  none
-- keys:    meta (hash), j:<id> (hash), a:<id> (list)
-- args:    run id, number of items; an item: id (16 bytes), how long in ms
-- returns: per id: its state or '' for an unknown id, and of a final one the bytes that it has beside what lists show
-- flags:   allow-oom
-- cost:    O(1) per id

local LARGE = {'p', 'r', 'm', 'tr', 'pg', 'ck'}
local function large_bytes(id)
    local bytes = #(redis.call('LINDEX', attempts_key(id), -1) or '')
    for _, name in ipairs(LARGE) do bytes = bytes + redis.call('HSTRLEN', job_key(id), name) end
    return text(bytes)
end

local n = tonumber(ARGV[2])
assert(#ARGV == 2 + 2 * n, 'wait: wrong number of arguments')
local answers = {}
for i = 1, n do
    local id = ARGV[1 + 2 * i]
    local found = redis.call('HMGET', job_key(id), 's', 'wt', 'o')
    local job = {s = found[1], wt = found[2], o = found[3] or nil}
    watch(id, job, now + tonumber(ARGV[2 + 2 * i]))
    answers[i] = {job.s or '', FINAL[job.s] and large_bytes(id) or '0'}
end
return {'ok', text(now), '', answers}
