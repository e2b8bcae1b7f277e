-- hooks: the records of webhooks, and how far the logs of the shards were turned into their deliveries; uses lib.

local function hook_key(name) return HOOK .. name end
local HOOK_NAMES, HOOK_STATE = hook_key('names'), hook_key('state')
local function webhook_key(name) return hook_key('s:' .. name) end

-- Fields of the state: `version` grows with each change of any webhook, `rev:<shard>` says how far a log was read,
-- `missed:<name>` how many events a webhook was not told of.
local function version_of_hooks() return redis.call('HGET', HOOK_STATE, 'version') or '0' end
local function rev_field(shard) return 'rev:' .. shard end
local function missed_field(name) return 'missed:' .. name end

-- Name, names and values of the fields.
local function view_webhook(name) return {name, redis.call('HGETALL', webhook_key(name))} end
