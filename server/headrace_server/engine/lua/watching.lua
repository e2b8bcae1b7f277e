-- watching: has a message sent at each change of a job that is not final yet; uses lib and settings.

-- Marked a minute ahead, so that a watcher who comes again and again costs no write each.
local function watch(id, job, until_ms)
    if not job.s or FINAL[job.s] or (tonumber(job.wt) or 0) >= until_ms then return end
    local options = job.o or ''
    if not string.find(options, 'w', 1, true) then options = options .. 'w' end
    redis.call('HSET', job_key(id), 'wt', text(until_ms + 60000), 'o', options)
end
