-- cancel: jobs end: now if nobody holds them, else when their holder hears of it, or at once where it is hard.
-- uses:    lib settings cells tallies lanes runs options moves records echo unique acts
-- states:  ready -> cancelled, scheduled -> cancelled, retrying -> cancelled, leased -> cancelled
-- keys:    meta (hash), j:<id> (hash), q:<queue>:{ready,scheduled,retrying,leased,cancelled,expiring} (zset), echo:<n> (hash), agenda (zset)
-- args:    run id, name of the call (16 bytes), number of items; an item: id (16 bytes), reason, mode (soft | hard)
-- returns: per item: cancelled (now or before) | requested | final | not_found, then the state or ''
-- flags:   allow-oom
-- cost:    O(log n) per item

local n = tonumber(ARGV[3])
assert(#ARGV == 3 + 3 * n, 'cancel: wrong number of arguments')
return answer_once(ARGV[2], n, function(i, rev)
    return {cancel_one(ARGV[1 + 3 * i], rev, ARGV[2 + 3 * i], ARGV[3 + 3 * i])}
end)
