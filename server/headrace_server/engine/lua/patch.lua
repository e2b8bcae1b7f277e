-- patch: other options for jobs that nobody holds.
-- uses:    lib places deliveries settings cells tallies lanes runs options loading moves records echo unique acts
-- states:  ready -> ready, ready -> scheduled, scheduled -> scheduled, scheduled -> ready, retrying -> retrying, retrying -> ready
-- keys:    meta (hash), j:<id> (hash), q:<queue>:{ready,scheduled,retrying,expiring} (zset), echo:<n> (hash), agenda (zset)
-- args:    run id, name of the call (16 bytes), number of items; an item: id (16 bytes), priority, run time ('' or unix ms or '+' and
--          ms from now), queue of the same group; '' for what stays
-- returns: per item, in one text: patched | leased | final | queue_draining | other_group | not_found, then the state or ''
-- flags:   none
-- cost:    O(log n) per item

local function given(s) return s ~= '' and s or nil end
local function instant(s)
    if string.sub(s, 1, 1) == '+' then return now + tonumber(string.sub(s, 2)) end
    return tonumber(s)
end
return act_on_each('patch', 4, TO_PATCH, function(job, rev, at)
    return patch_one(job, rev, given(ARGV[at + 1]), instant(ARGV[at + 2]), given(ARGV[at + 3]))
end)
