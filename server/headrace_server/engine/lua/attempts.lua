-- attempts: what became of each time a job was worked on.
-- uses:    lib deliveries
-- states:  none
-- keys:    meta (hash), j:<id> (hash), a:<id> (list)
-- args:    id (16 bytes)
-- returns: failed attempts: 'attempt delivery started ended kind worker', a line feed, the error each; then of the job itself: state,
--          attempt, delivery, started, finished, worker, and '1' if it was cancelled by another than its holder ('' for what it has
--          not); nothing for an unknown id
-- flags:   no-writes
-- cost:    O(attempts kept)

local about = redis.call('HMGET', job_key(ARGV[1]), 's', 'at', 'k', 'ft', 'kc', 'cq', 'fa')
if not about[1] then return {'ok', text(now), '', {}} end
local words = about[3]
local delivery, _, _, _, _, worker = lease_facts(words)
local job = {about[1], about[2] or '1', delivery, words and lease_began(words) or '', about[4] or '', worker or ''}
job[7] = (about[5] or about[6]) and '1' or ''
local failed = redis.call('LRANGE', attempts_key(ARGV[1]), 0, -1)
if about[7] and #failed < DEFAULTS.attempts_kept then table.insert(failed, 1, about[7]) end
return {'ok', text(now), '', {failed, job}}
