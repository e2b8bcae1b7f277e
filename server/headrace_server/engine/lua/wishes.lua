-- wishes: reads new jobs as the arguments have them; uses lib.
-- A job is its id, its head, its task, its payload, and the names and values of the other fields that its head counts. The head
-- says what the jobs of a call mostly have in common: queue, priority or -, run time or -, expiry or -, number of other fields,
-- and options with all that belongs to them; '' where it is that of the job before.

local function instant(s)
    if s == '-' then return nil end
    return string.sub(s, 1, 1) == '+' and now + tonumber(string.sub(s, 2)) or tonumber(s)
end

local head
local function take_head(words)
    local queue, priority, run, expiry, more, options = string.match(words, '^(%S+) (%S+) (%S+) (%S+) (%d+) ?(.*)$')
    local letters, on_conflict, ttl = string.match(options, '^(%a*) ?(%a*) ?(%d*)$')
    head = {
        q = queue, pr = priority ~= '-' and priority or nil, run_ms = instant(run), ex = instant(expiry), n = 2 * tonumber(more),
        o = letters ~= '' and letters or nil, on_conflict = on_conflict ~= '' and on_conflict or nil, ttl_ms = tonumber(ttl),
    }
end

-- Return the job whose arguments begin behind the place `at`, and the place where they end.
local function take_job(at)
    if ARGV[at + 2] ~= '' then take_head(ARGV[at + 2]) end
    local job, last = {
        id = ARGV[at + 1], q = head.q, pr = head.pr, run_ms = head.run_ms, ex = head.ex, o = head.o, t = ARGV[at + 3], p = ARGV[at + 4],
        on_conflict = head.on_conflict, ttl_ms = head.ttl_ms, key = nil, fields = nil, placed = nil, holder = nil,
    }, at + 4 + head.n
    if head.n == 0 then return job, last end
    job.fields = {unpack(ARGV, at + 5, last)}
    if job.o then
        for i = 1, head.n, 2 do job[job.fields[i]] = job.fields[i + 1] end
    end
    return job, last
end
