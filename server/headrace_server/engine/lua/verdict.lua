-- verdict: judges a lease token, and remembers the settled ones; uses lib, options and moves. The table is domain/tokens.py.

local LETTER = {ack = 'a', nack = 'n', release = 'r', snooze = 's', extend = '-'}

local function judge(verb, job, token)
    if not job.s then return 'not_found' end
    if job.k == token and job.s == 'leased' then return now >= job.deadline and 'late' or 'ok' end
    local settled = job.ks or ''
    for i = 1, #settled, 17 do
        if string.sub(settled, i + 1, i + 16) == token then
            return string.sub(settled, i, i) == LETTER[verb] and 'repeated' or 'lease_lost'
        end
    end
    if job.k == token and job.s == 'ready' and verb ~= 'extend' then return 'late' end
    if job.s == 'cancelled' and redis.call('HGET', job_key(job.id), 'kc') == token then return 'job_cancelled' end
    return 'lease_lost'
end

-- End a job that its holder leaves, if somebody asked for that; return whether somebody did.
local function ended_as_asked(job, rev, fields)
    if not has_option(job, 'c') then return false end
    fields[#fields + 1], fields[#fields + 2] = 'rs', job.cq
    finish(job, 'cancelled', rev, unpack(fields))
    return true
end

-- What a settle writes first: the settled tokens, a letter for the verb and 16 bytes each, newest first. Who is among them means
-- nothing more, so that `k` may stay. With room for what follows: a table that grows is made anew each time.
local function settled_tokens(verb, job, token)
    local settled = LETTER[verb] .. token
    if job.ks then settled = string.sub(settled .. job.ks, 1, 17 * DEFAULTS.settled_tokens_kept) end
    return settled
end
local function settled_by(verb, job, token)
    return {'ks', settled_tokens(verb, job, token), nil, nil, nil, nil, nil, nil, nil, nil, nil, nil}
end

-- Judge each item in order, let `effect(job, rev, at)` act on the good ones, and answer all in words with spaces between them.
-- `names` are the fields that the effect needs. ARGV: run id, number of items, then `width` arguments an item: id (16 bytes),
-- token (16 bytes; the effect finds it at ARGV[at]), the verb's own.
local function settle(verb, width, names, effect)
    local n = tonumber(ARGV[2])
    names = with('ks', unpack(names))
    assert(#ARGV == 2 + n * width, verb .. ': wrong number of arguments')
    local rev, answers, jobs = reserve(n), {}, load_all(3, width, n, names)
    for i = 1, n do
        local at = 4 + (i - 1) * width
        local job = jobs[i] or load(ARGV[at - 1], names) -- as the item before left it
        local status = judge(verb, job, ARGV[at])
        if status == 'late' then tally(job.q, 'late') end
        if status == 'ok' or status == 'late' then effect(job, rev + i, at) end
        local words = '   '
        if job.s == 'leased' then
            words = '  ' .. time_text(job.deadline) .. (has_option(job, 'c') and ' 1' or ' ')
        elseif not FINAL[job.s] then
            words = ' ' .. (due_of(job) or '') .. '  '
        end
        answers[i] = status .. ' ' .. (job.s or '') .. ' ' .. text(job.at) .. words
    end
    return finish_script(answers)
end
