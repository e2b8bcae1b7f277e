-- replacing: lets a job that nobody has started become another one; uses lib, settings, tallies, lanes, options, moves, records, unique, refusals and births.

-- What a job was asked to be: one that is replaced loses all of it.
local WISHES = {
    't', 'p', 'pt', 'pr', 'le', 're', 'mc', 'ma', 'rp', 'm', 'tr', 'o', 'fk', 'ok', 'oh', 'li', 'fw', 'uq', 'tg', 'mx', 'rl', 'me',
    'nr', 'ox', 'ex', 'ru', 'rs', 'sd',
}

-- Let the job that has the key become this one: same id, enqueued then, with the history it has.
local function replace(job, rev)
    local old = load(job.holder, with('ca'))
    relocate(old, job.q, job.fk)
    if old.o then drop_tags(old) end
    redis.call('HDEL', job_key(old.id), unpack(WISHES))
    job.id, job.ca, depths = old.id, old.ca, {}
    if has_option(old, 'w') then job.o = (job.o or '') .. 'w' end
    if old.wt and now < old.wt then watched[old.id] = true end
    tally(job.q, 'replaced')
    stand(job, rev, true, old.s)
end

-- Write a job that nothing keeps out. Return its description, and the id that stands in its place.
local function bring_in(job, rev, brief)
    if not job.placed then return stand(job, rev, brief), job.id end
    if job.placed == 'replaced' then replace(job, rev) end
    if job.placed == 'deduplicated' then tally_met(job.q) end
    return job.placed .. ' ' .. job.holder, job.holder
end
