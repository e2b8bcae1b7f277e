-- nack: the attempts failed; try again after the backoff, or give up.
-- uses:    lib places deliveries settings cells tallies lanes runs options loading moves records failing verdict
-- states:  leased -> retrying, leased -> dead, leased -> cancelled, ready -> retrying, ready -> dead, ready -> cancelled
-- keys:    meta (hash), j:<id> (hash), a:<id> (list), q:<queue>:{leased,ready,retrying,dead,cancelled,expiring} (zset), agenda (zset)
-- args:    run id, number of items; an item: id, token (16 bytes each), error, its type, may it be
--          tried again ('1', '': it is final, 'discard': and its record goes), delay in ms or '', jitter in 0..1
-- returns: per item, in one text: status, state, attempt, run_at in unix ms or '', deadline in unix ms or '', and '1' if it is to end or ''
-- flags:   allow-oom
-- cost:    O(log n) per item

local how = {kind = 'nack'} -- of the item that has its turn
return settle('nack', 7, FAILING, function(job, rev, at)
    how.error, how.type, how.retryable, how.discard = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3] == '1', ARGV[at + 3] == 'discard'
    how.delay_ms, how.random = tonumber(ARGV[at + 4]), ARGV[at + 5]
    fail(job, rev, how, settled_by('nack', job, ARGV[at]))
end)
