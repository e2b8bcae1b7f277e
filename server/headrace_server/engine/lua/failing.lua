-- failing: what a failed attempt leads to, and how long a retry waits; uses lib, settings, moves and records. The rules are domain/retry.py.

local FAILING = {'ma', 'rp', 'er'} -- the fields that `fail` needs beside the options

-- The wait after run number `attempt`. `policy`: backoff initial_ms factor max_ms jitter, '-' for a default.
local function wait_ms(policy, queue, attempt, random)
    local backoff, initial, factor, cap, jitter = '-'
    if policy then backoff, initial, factor, cap, jitter = string.match(policy, '(%S+) (%S+) (%S+) (%S+) (%S+)') end
    initial = resolve(initial, queue, 'initial_ms')
    if backoff == '-' then backoff = settings(queue).backoff or DEFAULTS.backoff end
    local wait = initial
    if backoff == 'exponential' then
        wait = initial * resolve(factor, queue, 'factor') ^ math.min(attempt - 1, 64)
    elseif backoff == 'linear' then
        wait = initial * attempt
    end
    wait = math.min(wait, resolve(cap, queue, 'max_ms'))
    return math.floor(resolve(jitter, queue, 'jitter') == 1 and wait * random or wait)
end

-- Whether a text is of a pattern, where `*` stands for any characters: at a mismatch the last star takes one more.
local function matches(pattern, subject)
    local p, s, star, mark_s = 1, 1, nil, nil
    while s <= #subject do
        local c = string.sub(pattern, p, p)
        if c == '*' then
            star, mark_s, p = p, s, p + 1
        elseif c ~= '' and c == string.sub(subject, s, s) then
            p, s = p + 1, s + 1
        elseif star then
            p, mark_s = star + 1, mark_s + 1
            s = mark_s
        else
            return false
        end
    end
    return string.match(pattern, '^%**$', p) ~= nil
end

local function is_non_retryable(job, error_type)
    local patterns = job.nr or settings(job.q).non_retryable
    if not patterns then return false end
    for pattern in string.gmatch(patterns, '[^\31]+') do
        if matches(pattern, error_type) then return true end
    end
    return false
end

-- To dead; its record goes at once where its job or queue does not want dead letters.
local function bury(job, rev, reason, fields)
    if reason == 'discarded' or (job.ox or settings(job.q).on_exhausted) == 'discard' then job.re = 0 end
    fields[#fields + 1], fields[#fields + 2] = 'rs', reason
    finish(job, 'dead', rev, unpack(fields))
end

-- The job's attempt failed. `how`: kind, error, type, retryable, discard, delay_ms or nil, random; `fields` are written whatever follows.
local function fail(job, rev, how, fields)
    record_attempt(job, how.kind, how.error, how.type, fields)
    tally_both(job.q, task_of(job), 'failed')
    observe(task_of(job), RUN, now - ms_of(started(job)))
    if has_option(job, 'c') then
        fields[#fields + 1], fields[#fields + 2] = 'rs', job.cq
        return finish(job, 'cancelled', rev, unpack(fields))
    end
    if how.discard then return bury(job, rev, 'discarded', fields) end
    if not how.retryable then return bury(job, rev, 'not_retryable', fields) end
    if is_non_retryable(job, how.type) then return bury(job, rev, 'non_retryable', fields) end
    if job.at >= resolve(job.ma, job.q, 'max_attempts') then return bury(job, rev, 'max_attempts', fields) end
    local run_ms = now + (how.delay_ms or wait_ms(job.rp, job.q, job.at, how.random))
    local elapsed = resolve(job.me, job.q, 'max_elapsed_ms')
    if elapsed and run_ms > opened_ms(job) + elapsed then return bury(job, rev, 'max_elapsed', fields) end
    if job.ex and run_ms >= job.ex then
        tally(job.q, 'expired')
        fields[#fields + 1], fields[#fields + 2] = 'rs', 'expired'
        return finish(job, 'cancelled', rev, unpack(fields))
    end
    job.at = job.at + 1
    local n = #fields
    fields[n + 1], fields[n + 2] = 'at', text(job.at)
    postpone(job, 'retrying', run_ms, rev, fields)
end
