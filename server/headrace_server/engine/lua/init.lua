-- init: make the shard's meta where there is none, and say what it holds.
-- uses:    nothing: it must run where meta is missing
-- states:  none
-- keys:    meta (hash)
-- args:    run id, format, shard, number of shards, epoch (16 hex characters, kept from the first start), has a test clock ('1' or '')
-- returns: format, min_reader, number of shards, epoch, has a test clock
-- flags:   allow-oom
-- cost:    O(1)

-- Also at the memory limit: a server that could not start would keep the workers from making room.
if redis.call('EXISTS', KEYS[1]) == 0 then
    if ARGV[6] == '1' then redis.call('HSET', KEYS[1], 'test_clock', '1') end
    redis.call('HSET', KEYS[1], 'format', ARGV[2], 'min_reader', ARGV[2], 'shard', ARGV[3], 'shards', ARGV[4],
        'epoch', ARGV[5], 'run_id', ARGV[1], 'rev', '0', 'fence_base', '0', 'now', '0', 'wait_until', '0')
end
return redis.call('HMGET', KEYS[1], 'format', 'min_reader', 'shards', 'epoch', 'test_clock')
