-- webhooks: all of them as they are now, and how far the logs of the shards were turned into their deliveries.
-- uses:    lib hooks
-- states:  none
-- keys:    meta, hook:s:<name> (hash), hook:names (zset), hook:state (hash)
-- args:    the version that the caller knows, or ''
-- returns: names and values of the state; then, unless the version is known, per webhook: name, names and values of its fields
-- flags:   no-writes
-- cost:    O(webhooks)

local answers = {redis.call('HGETALL', HOOK_STATE)}
if ARGV[1] ~= version_of_hooks() then
    for i, name in ipairs(redis.call('ZRANGEBYLEX', HOOK_NAMES, '-', '+')) do answers[i + 1] = view_webhook(name) end
end
return {'ok', now_text, '', answers}
