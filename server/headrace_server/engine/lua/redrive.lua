-- redrive: another run of dead jobs.
-- uses:    lib places deliveries settings cells tallies lanes runs options loading moves records echo unique acts
-- states:  dead -> ready
-- keys:    meta (hash), j:<id> (hash), q:<queue>:{dead,ready,expiring} (zset), u:<digest> (string), echo:<n> (hash), agenda (zset)
-- args:    run id, name of the call (16 bytes), number of items; an item: id (16 bytes), queue of the same group or '' (where it was)
-- returns: per item, in one text: ready | not_dead | unique_conflict | queue_draining | other_group | not_found, then the state or '', then the id of the
--          job that has its unique key or ''
-- flags:   none
-- cost:    O(log n) per item

return act_on_each('redrive', 2, TO_REDRIVE, function(job, rev, at) return redrive_one(job, rev, ARGV[at + 1]) end)
