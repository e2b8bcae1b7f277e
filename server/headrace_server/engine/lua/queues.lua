-- queues: names of queues in alphabetical order, page by page.
-- uses:    lib
-- states:  none
-- keys:    meta (hash), queues (zset)
-- args:    start behind this name or '', how many
-- returns: names
-- flags:   no-writes
-- cost:    O(log n + names)

local from = ARGV[1] == '' and '-' or '(' .. ARGV[1]
return {'ok', text(now), '', redis.call('ZRANGEBYLEX', QUEUES, from, '+', 'LIMIT', 0, tonumber(ARGV[2]))}
