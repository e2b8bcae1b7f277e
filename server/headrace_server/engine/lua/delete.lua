-- delete: the records of jobs that have ended go.
-- uses:    lib places deliveries settings cells tallies lanes runs options loading moves records echo unique acts
-- states:  succeeded -> (gone), dead -> (gone), cancelled -> (gone)
-- keys:    meta (hash), j:<id> (hash), a:<id> (list), q:<queue>:{succeeded,dead,cancelled} (zset), echo:<n> (hash), agenda (zset)
-- args:    run id, name of the call (16 bytes), number of items; an item: id (16 bytes)
-- returns: per item, in one text: deleted | not_final | not_found, then the state or ''
-- flags:   allow-oom
-- cost:    O(log n) per item

return act_on_each('delete', 1, {}, delete_one)
