-- fire: slots of a schedule get their jobs, once: whoever comes second finds another slot next.
-- uses:    lib places deliveries settings cells tallies lanes runs options loading moves records idempotency echo wishes unique acts refusals births replacing beats
-- states:  (new) -> ready, (new) -> scheduled, ready -> ready, ready -> scheduled, scheduled -> ready, scheduled -> scheduled,
--          ready -> cancelled, scheduled -> cancelled, retrying -> cancelled
-- keys:    beat:s:<name> (hash), beat:due (zset), beat:r:<name> (list), and those of enqueue and cancel
-- args:    run id, name, generation; what the record must say: next slot or '', slot that waits or '' (by hand: both '-'); next
--          slot from now on or '', slots passed over, overlap, number of jobs; a job: its slot, g (of the grid) | b (waits) |
--          m (by hand), then as in wishes
-- returns: moved (the record says another thing); or fired, then per job: outcome (again: its job was there), id of its job or ''
-- flags:   none
-- cost:    O(log n) per job

local name, position = ARGV[2], 9
local key, manual = schedule_key(name), ARGV[4] == '-'
local record = redis.call('HMGET', key, 'gen', 'next', 'buffered', 'paused', 'last_id')
local is_due = (record[2] or '') == ARGV[4] and (record[3] or '') == ARGV[5] and not record[4]
if record[1] ~= ARGV[3] or not (manual or is_due) then return finish_script({'moved'}) end
local last_id, waits = record[5], record[3] or nil

local function take_scheduled()
    local slot, kind = ARGV[position + 1], ARGV[position + 2]
    local job, last = take_job(position + 2)
    job.slot, job.kind, position = slot, kind, last
    return job
end

local function is_busy()
    local state = last_id and redis.call('HGET', job_key(last_id), 's')
    return state and not FINAL[state]
end

-- Write the job of a slot; return what became of it, and which job that is.
local function bear(job, rev)
    if redis.call('EXISTS', job_key(job.id)) == 1 then return 'again', job.id end
    depths = {}
    if refuse({jobs = {job}, has_unique = job.on_conflict}) then return 'refused', '' end
    local _, id = bring_in(job, rev, true)
    if job.placed == 'deduplicated' then return job.placed, id end
    last_id = id
    return 'enqueued', id
end

local function fire(job, rev)
    local busy, overlap = job.kind ~= 'm' and is_busy(), ARGV[8]
    if job.kind == 'b' then
        if busy then return 'waits', '' end
        waits = nil
    elseif busy and overlap == 'buffer_one' and not waits then
        waits = job.slot
        return 'waits', ''
    elseif busy and overlap == 'cancel_previous' then
        cancel_one(load(last_id, with(unpack(TO_CANCEL))), rev, 'superseded', 'soft')
    elseif busy and overlap ~= 'allow' then
        return 'skipped', ''
    end
    return bear(job, rev + 1)
end

local answers, n = {'fired'}, tonumber(ARGV[9])
local rev, fired = reserve(2 * n), 0
for i = 1, n do
    local job = take_scheduled()
    know({job.q})
    local outcome, id = fire(job, rev + 2 * i - 1)
    if outcome ~= 'waits' and outcome ~= 'again' then write_run(name, job.slot, job.kind == 'm' and 'm' or 'g', outcome, id == '' and '-' or id) end
    if outcome == 'enqueued' then fired = fired + 1 end
    if job.kind == 'g' then redis.call('HSET', key, 'last', job.slot) end
    answers[2 * i], answers[2 * i + 1] = outcome, id
end
assert(position == #ARGV, 'fire: wrong number of arguments')
if last_id then redis.call('HSET', key, 'last_id', last_id) end
if fired > 0 then redis.call('HINCRBY', key, 'fired', fired) end
if waits then redis.call('HSET', key, 'buffered', waits) else redis.call('HDEL', key, 'buffered') end
if not manual then
    if ARGV[6] ~= '' then redis.call('HSET', key, 'next', ARGV[6]) else redis.call('HDEL', key, 'next') end
    if ARGV[7] ~= '0' then redis.call('HINCRBY', key, 'missed', ARGV[7]) end
end
line_up(name)
return finish_script(answers)
