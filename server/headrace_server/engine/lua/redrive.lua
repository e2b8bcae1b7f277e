-- redrive: another run of dead jobs.
-- uses:    lib settings cells tallies lanes runs options moves records echo unique acts
-- states:  dead -> ready
-- keys:    meta (hash), j:<id> (hash), q:<queue>:{dead,ready,expiring} (zset), u:<digest> (string), echo:<n> (hash), agenda (zset)
-- args:    run id, name of the call (16 bytes), number of items; an item: id (16 bytes), queue of the same group or '' (where it was)
-- returns: per item: ready | not_dead | unique_conflict | queue_draining | other_group | not_found, then the state or '', then the id of the
--          job that has its unique key or ''
-- flags:   none
-- cost:    O(log n) per item

local n = tonumber(ARGV[3])
assert(#ARGV == 3 + 2 * n, 'redrive: wrong number of arguments')
return answer_once(ARGV[2], n, function(i, rev) return {redrive_one(ARGV[2 + 2 * i], rev, ARGV[3 + 2 * i])} end)
