-- nack: the attempts failed; try again after the backoff, or give up.
-- uses:    lib settings cells tallies lanes runs options moves records failing verdict
-- states:  leased -> retrying, leased -> dead, leased -> cancelled, ready -> retrying, ready -> dead, ready -> cancelled
-- keys:    meta (hash), j:<id> (hash), a:<id> (list), q:<queue>:{leased,ready,retrying,dead,cancelled,expiring} (zset), agenda (zset)
-- args:    run id, number of items; an item: id, token (16 bytes each), error, its type, may it be
--          tried again ('1', '': it is final, 'discard': and its record goes), delay in ms or '', jitter in 0..1
-- returns: per item: status, state, attempt, run_at in unix ms or '', deadline in unix ms or '', and '1' if it is to end
-- flags:   allow-oom
-- cost:    O(log n) per item

return settle('nack', 7, FAILING, function(job, rev, item)
    local how = {
        kind = 'nack', error = item[3], type = item[4], retryable = item[5] == '1', discard = item[5] == 'discard',
        delay_ms = item[6] ~= '' and tonumber(item[6]), random = item[7],
    }
    fail(job, rev, how, settled_by('nack', job, item[2]))
end)
