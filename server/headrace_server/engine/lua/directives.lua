-- directives: what those workers are told that are not to run.
-- uses:    lib fleet
-- states:  none
-- keys:    meta, fleet:directives (hash)
-- args:    none
-- returns: ids and directives
-- flags:   no-writes
-- cost:    O(directives)

return {'ok', text(now), '', redis.call('HGETALL', DIRECTIVES)}
