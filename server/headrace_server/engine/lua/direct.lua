-- direct: what a worker is to do from now on.
-- uses:    lib fleet
-- states:  none
-- keys:    meta, fleet:w:<worker>, fleet:directives (hash), fleet:workers (zset)
-- args:    run id, worker, run | quiet | stop
-- returns: the worker as one of workers; nothing for an unknown one
-- flags:   allow-oom
-- cost:    O(log n)

local worker = ARGV[2]
if redis.call('EXISTS', worker_key(worker)) == 0 then return finish_script({}) end
reserve(0)
tell(worker, ARGV[3])
return finish_script({view_worker(worker)})
