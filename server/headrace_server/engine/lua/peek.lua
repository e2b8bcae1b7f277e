-- peek: jobs as lists show them.
-- uses:    lib deliveries settings read summaries
-- states:  none
-- keys:    meta (hash), j:<id> (hash), a:<id> (list), q:<queue>:leased (zset)
-- args:    ids (16 bytes each)
-- returns: per id: names and values of its fields, empty for an unknown id; fewer answers than ids when the reply is full
-- flags:   no-writes
-- cost:    O(fields) per id

local answers = {}
for i, id in ipairs(ARGV) do
    if summary_bytes >= DEFAULTS.script_bytes then break end
    answers[i] = summary(id)
end
return {'ok', text(now), '', answers}
