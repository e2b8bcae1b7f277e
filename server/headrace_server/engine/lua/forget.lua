-- forget: a queue that has no job that could still run loses its settings; its name goes with its last record.
-- uses:    lib places deliveries settings cells tallies counts names
-- states:  none
-- keys:    meta (hash), q:<queue>:settings (hash), q:<queue>:{every state,laned,times} (zset), j:<id> (hash), marks, polled (hash), queues (zset)
-- args:    run id, queue
-- returns: nothing when it is done, else as of queue
-- flags:   allow-oom
-- cost:    O(settings + tenants that had turns lately)

local queue = ARGV[2]
for _, state in ipairs({'scheduled', 'ready', 'leased', 'retrying'}) do
    if count_jobs(queue, state) > 0 then return finish_script(view_queue(queue)) end
end
reserve(0)
redis.call('UNLINK', set_key(queue, 'settings'), set_key(queue, 'times'))
redis.call('HDEL', POLLED, queue)
if marks_of(queue) then
    set_mark(queue, HAS_SETTINGS, false)
    set_mark(queue, HAS_TURNS, false)
    set_mark(queue, IS_FORGOTTEN, true)
    drop_forgotten(queue)
end
return finish_script({})
