-- ack: the jobs are done.
-- uses:    lib settings lanes options moves verdict
-- states:  leased -> succeeded, ready -> succeeded
-- keys:    meta (hash), j:<id> (hash), q:<queue>:{leased,ready,succeeded,expiring} (zset), agenda (zset)
-- args:    run id, number of items; an item: id, token (16 bytes each), has a result ('1' or ''), result, format (json | msgpack)
-- returns: per item: status, state, attempt, '', deadline in unix ms or ''
-- flags:   allow-oom
-- cost:    O(log n) per item

return settle('ack', 5, {}, function(job, rev, item)
    local fields = {'ks', settled_tokens('ack', job, item[2])}
    if item[3] == '1' then
        fields[3], fields[4] = 'r', item[4]
        if item[5] ~= 'json' then fields[5], fields[6] = 'rt', item[5] end
    end
    finish(job, 'succeeded', rev, fields)
end)
