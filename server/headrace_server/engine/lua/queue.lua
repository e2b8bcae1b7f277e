-- queue: a queue as it is now, and what was said about it.
-- uses:    lib places deliveries settings counts
-- states:  none
-- keys:    meta (hash), j:<id> (hash), q:<queue>:{every state,laned} (zset), q:<queue>:settings (hash), marks (hash)
-- args:    queue
-- returns: as of stats; then names and values of its settings
-- flags:   no-writes
-- cost:    O(log n) per priority in use (at most 256)

return {'ok', text(now), '', view_queue(ARGV[1])}
