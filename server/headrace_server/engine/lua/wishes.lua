-- wishes: reads new jobs as the arguments have them; uses lib.
-- A job is its id, its head, its task, its payload, and the names and values of the other fields that its head counts. The head
-- says what the jobs of a call mostly have in common: queue, priority or -, run time or -, expiry or -, number of other fields,
-- and options with all that belongs to them; '' where it is that of the job before.

local function instant(s)
    if s == '-' then return nil end
    return string.sub(s, 1, 1) == '+' and now + tonumber(string.sub(s, 2)) or tonumber(s)
end

local function take_head(words)
    local queue, priority, run, expiry, more, options = string.match(words, '^(%S+) (%S+) (%S+) (%S+) (%d+) ?(.*)$')
    local letters, on_conflict, ttl = string.match(options, '^(%a*) ?(%a*) ?(%d*)$')
    return {
        q = queue, pr = priority ~= '-' and priority or nil, run_ms = instant(run), ex = instant(expiry), n = 2 * tonumber(more),
        o = letters ~= '' and letters or nil, on_conflict = on_conflict ~= '' and on_conflict or nil, ttl_ms = tonumber(ttl),
    }
end

-- The other fields of a job, which stand behind the place `at`; nil if it has none.
local function take_fields(head, at) return head.n > 0 and {unpack(ARGV, at + 1, at + head.n)} or nil end

local function job_of(head, id, task, payload, fields)
    local job = {
        id = id, q = head.q, pr = head.pr, run_ms = head.run_ms, ex = head.ex, o = head.o, t = task, p = payload,
        on_conflict = head.on_conflict, ttl_ms = head.ttl_ms, key = nil, fields = fields, placed = nil, holder = nil,
    }
    if job.o and fields then
        for i = 1, head.n, 2 do job[fields[i]] = fields[i + 1] end
    end
    return job
end

-- Return the job whose arguments begin behind the place `at`, and the place where they end.
local last_head
local function take_job(at)
    if ARGV[at + 2] ~= '' then last_head = take_head(ARGV[at + 2]) end
    return job_of(last_head, ARGV[at + 1], ARGV[at + 3], ARGV[at + 4], take_fields(last_head, at + 4)), at + 4 + last_head.n
end
