-- dismiss: the record of a lost worker goes.
-- uses:    lib echo fleet
-- states:  none
-- keys:    meta, fleet:w:<worker>, fleet:directives, echo:<n> (hash), fleet:workers, fleet:names, agenda (zset)
-- args:    run id, name of the call (16 bytes), worker
-- returns: deleted | up (it lives) | unknown
-- flags:   allow-oom
-- cost:    O(log n)

local worker = ARGV[3]
return answer_once(ARGV[2], 1, function()
    local lost_ms = tonumber(redis.call('ZSCORE', WORKERS, worker))
    if not lost_ms then return 'unknown' end
    if now < lost_ms then return 'up' end
    drop_worker(worker)
    return 'deleted'
end)
