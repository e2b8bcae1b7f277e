-- terms: what the leases of a batch have in common, found once for all of them; uses lib, deliveries, settings and tallies.

-- Of leases that begin now and are as long.
local function terms_of(length_ms, runtime_ms, worker)
    local deadline_ms = now + math.min(length_ms, runtime_ms or length_ms)
    local deadline, end_text = time_text(deadline_ms), runtime_ms and time_text(now + runtime_ms) or ''
    return {
        deadline_ms = deadline_ms, deadline = deadline, runtime = runtime_ms and text(runtime_ms), times = wide(deadline) .. wide(now_text),
        lengths = ' ' .. time_text(length_ms) .. ' ' .. end_text .. ' ', worker = ' ' .. worker, q = nil, t = nil, ca = nil,
        words = nil, facts = nil, waited_ms = nil,
    }
end

-- Those of a request for a job; `ask` keeps them for jobs of the same queue that do not say themselves how long they may take.
local function terms_for(ask, job)
    local terms = ask.terms
    if terms.q == job.q and not (job.le or job.mx) then return terms end
    local length_ms = ask.lease_ms or resolve(job.le, job.q, 'lease_ms')
    terms = terms_of(length_ms, resolve(job.mx, job.q, 'max_runtime_ms'), ask.worker)
    if not (job.le or job.mx) then terms.q, ask.terms = job.q, terms end
    plan('reap', job.q, terms.deadline_ms)
    if terms.deadline_ms > ask.last_ms then ask.last_ms = terms.deadline_ms end
    return terms
end

-- What the record of a job says of its lease between its token and its place (deliveries.lua).
local function lease_words(job, terms)
    return terms.times .. wide(job.ro or job.ca) .. job.t .. SEPARATOR .. text(job.dl) .. ' ' .. job.fe .. terms.lengths
end

-- What its worker gets of a job that others mostly share who are handed out with it, in one text with spaces between: task, queue,
-- priority, attempt, delivery, attempts at most, when it was enqueued, fence, deadline, running time or '', where '' of priority and
-- attempts stands for the server's.
local function facts_of(job, deadline)
    return job.t .. ' ' .. job.q .. ' ' .. resolved_text(job.pr, job.q, 'priority') .. ' ' .. text(job.at) .. ' ' .. text(job.dl)
        .. ' ' .. resolved_text(job.ma, job.q, 'max_attempts') .. ' ' .. job.ca .. ' ' .. job.fe .. ' ' .. deadline .. ' ' .. (job.mx or '')
end

-- Note what is said of a job whose lease begins now. Jobs of a batch were mostly enqueued together, and then it is the same for
-- one that nobody had before and that wishes nothing of all this: `terms` keeps it for the next one.
local function has_own_words(job) return job.grant or job.ru or job.pr or job.ma end
local function say(job, terms)
    local own = has_own_words(job)
    if not own and terms.ca == job.ca and terms.t == job.t then return end
    terms.t, terms.ca = job.t, not own and job.ca
    local due_ms = math.max(opened_ms(job), tonumber(job.ru) or 0)
    terms.waited_ms = (not job.st or tonumber(job.st) < due_ms) and math.max(0, now - due_ms) -- once each time it was due
    job.dl, job.fe, job.mx = job.dl + 1, time_text(next_fence(job.fe)), terms.runtime
    terms.words, terms.facts = lease_words(job, terms), facts_of(job, terms.deadline)
end
