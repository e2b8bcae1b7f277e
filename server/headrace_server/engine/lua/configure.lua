-- configure: what holds for the jobs of a queue, and whether it gives and takes jobs; in force with the next script.
-- uses:    lib places deliveries settings cells tallies counts names
-- states:  none
-- keys:    meta (hash), q:<queue>:settings (hash), q:<queue>:{every state,laned} (zset), j:<id> (hash), marks (hash), queues (zset), agenda (zset)
-- args:    run id, queue, what: set (then names and values; they replace all others, but for pause and drain)
--          | pause (then for how long in ms, '': until somebody resumes) | resume (ends pause and drain) | drain
-- returns: as of queue
-- flags:   allow-oom
-- cost:    O(settings), and that of queue

local queue, what = ARGV[2], ARGV[3]
local key = set_key(queue, 'settings')
reserve(0)

local CHANGES = {}
function CHANGES.set()
    local kept = redis.call('HMGET', key, 'paused', 'draining')
    redis.call('DEL', key)
    for i, name in ipairs({'paused', 'draining'}) do
        if kept[i] then redis.call('HSET', key, name, kept[i]) end
    end
    if ARGV[4] then redis.call('HSET', key, unpack(ARGV, 4)) end
end
function CHANGES.pause()
    local until_ms = ARGV[4] ~= '' and now + tonumber(ARGV[4])
    redis.call('HSET', key, 'paused', until_ms and text(until_ms) or '-1')
    if until_ms then plan('resume', queue, until_ms) end
end
function CHANGES.resume() redis.call('HDEL', key, 'paused', 'draining') end
function CHANGES.drain() redis.call('HSET', key, 'draining', '1') end

CHANGES[what]()
set_mark(queue, HAS_SETTINGS, redis.call('EXISTS', key) == 1)
set_mark(queue, IS_FORGOTTEN, false)
wake(queue, count_jobs(queue, 'ready')) -- whatever holds now, it may be more than before
return finish_script(view_queue(queue))
