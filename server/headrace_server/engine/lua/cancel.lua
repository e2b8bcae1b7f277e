-- cancel: jobs end: now if nobody holds them, else when their holder hears of it, or at once where it is hard.
-- uses:    lib places deliveries settings cells tallies lanes runs options loading moves records echo unique acts
-- states:  ready -> cancelled, scheduled -> cancelled, retrying -> cancelled, leased -> cancelled
-- keys:    meta (hash), j:<id> (hash), q:<queue>:{ready,scheduled,retrying,leased,cancelled,expiring} (zset), echo:<n> (hash), agenda (zset)
-- args:    run id, name of the call (16 bytes), number of items; an item: id (16 bytes), reason, mode (soft | hard)
-- returns: per item, in one text: cancelled (now or before) | requested | final | not_found, then the state or ''
-- flags:   allow-oom
-- cost:    O(log n) per item

return act_on_each('cancel', 3, TO_CANCEL, function(job, rev, at) return cancel_one(job, rev, ARGV[at + 1], ARGV[at + 2]) end)
