-- alike: jobs of a group that differ in nothing but id and payload; uses lib, places, settings, tallies, moves, idempotency, wishes, births and lists.
-- Where nothing can be in their way they are written in one loop, without a table for each; else they become jobs like any others.
-- Their arguments: the ids (16 bytes each, joined), head and task as in wishes, names and values of the other fields, the payloads.

local function take_alike(group, at)
    local head, ids, keys = take_head(ARGV[at + 2]), {}, {}
    for i = 1, group.size do
        ids[i] = string.sub(ARGV[at + 1], 16 * i - 15, 16 * i)
        keys[i] = job_key(ids[i])
    end
    group.head, group.joined_ids, group.ids, group.keys, group.t = head, ARGV[at + 1], ids, keys, ARGV[at + 3]
    group.fields_at, group.payloads_at = at + 3, at + 3 + head.n
    group.has_unique, group.may_be_refused = head.on_conflict, head.on_conflict or head.ex
    return group.payloads_at + group.size
end

-- Whether they are new, and nothing of them or of their queue asks for a look at each: an expiry, a lane, a unique key, tags, a bound.
local function is_straight(group)
    local wishes, own = group.head.o or '', settings(group.head.q)
    return not (string.find(wishes, '[elut]') or comes_again or EVENTS_ON or known[group.digest] or own.draining or own.max_depth or own.max_bytes)
end

-- Make them jobs of their own.
local function spread(group)
    for i = 1, group.size do
        group.jobs[i] = job_of(group.head, group.ids[i], group.t, ARGV[group.payloads_at + i], take_fields(group.head, group.fields_at))
    end
end

-- Write all of them, as `stand` would one by one. Return the answer: one text for all, with the rev of the first.
local function stand_alike(group, rev)
    local one = job_of(group.head, '', group.t, '', take_fields(group.head, group.fields_at))
    local queue, keys, ids, payloads_at = one.q, group.keys, group.ids, group.payloads_at
    local home, state, run = home_of(queue), beginning_of(one)
    local more = (one.fields or one.o or run) and other_fields(one, run)
    local place, words = not run and new_place(one, rev), {}
    for i = 1, group.size do
        write_record(keys[i], queue, state, rev + i, now_text, one.t, ARGV[payloads_at + i], more)
        words[2 * i - 1], words[2 * i] = run or place + i, ids[i]
    end
    write_members('ZADD', up_to_date(run and set_key(queue, 'scheduled') or home.ready), words)
    if run then plan('promote', queue, one.run_ms) else wake(queue, group.size) end
    tally_both(queue, one.t, 'enqueued', group.size)
    if group.digest ~= '' then remember(group.digest, group.fingerprint .. group.joined_ids) end
    return {'created', group.brief and state or in_words(state, text(rev + 1), now_text, run or '', '', queue)}
end
