-- delete: the records of jobs that have ended go.
-- uses:    lib settings cells tallies lanes runs options moves records echo unique acts
-- states:  succeeded -> (gone), dead -> (gone), cancelled -> (gone)
-- keys:    meta (hash), j:<id> (hash), a:<id> (list), q:<queue>:{succeeded,dead,cancelled} (zset), echo:<n> (hash), agenda (zset)
-- args:    run id, name of the call (16 bytes), number of items; an item: id (16 bytes)
-- returns: per item: deleted | not_final | not_found, then the state or ''
-- flags:   allow-oom
-- cost:    O(log n) per item

local n = tonumber(ARGV[3])
assert(#ARGV == 3 + n, 'delete: wrong number of arguments')
return answer_once(ARGV[2], n, function(i, rev) return {delete_one(ARGV[3 + i], rev)} end)
