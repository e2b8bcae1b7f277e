-- limits: limits that have settings or are held back, in alphabetical order; or those of the given names.
-- uses:    lib limiting
-- states:  none
-- keys:    meta, limits (hash), limit_names (zset), slots:<limit> (set)
-- args:    how many, start behind this name or ''; or 0, names
-- returns: per limit: name, concurrency interval_us burst held_ms count per_ms ('-' for none) or '', number of its live leases
-- flags:   no-writes
-- cost:    O(log n + limits)

local names = {unpack(ARGV, 2)}
if ARGV[1] ~= '0' then
    local from = ARGV[2] == '' and '-' or '(' .. ARGV[2]
    names = redis.call('ZRANGEBYLEX', LIMIT_NAMES, from, '+', 'LIMIT', 0, tonumber(ARGV[1]))
end
local answers = {}
for i, name in ipairs(names) do answers[i] = view_limit(name) end
return {'ok', text(now), '', answers}
