-- check_hooks: whether webhooks are listed, and nothing is left of those that are gone; uses lib, hooks, pages, checks, check_sets
-- and check_keys.

local function is_webhook(name) return redis.call('EXISTS', webhook_key(name)) == 1 end

function CHECKS.webhook(...)
    for _, name in ipairs({...}) do
        if is_webhook(name) and not redis.call('ZSCORE', HOOK_NAMES, name) and wrong('webhook', '', '', name .. ' is not listed') then
            redis.call('ZADD', HOOK_NAMES, 0, name)
        end
    end
end

function CHECKS.hooknames(score, id)
    return check_index(HOOK_NAMES, score, id, 'webhook', 'a webhook is listed and gone', is_webhook)
end

function CHECKS.hookstate(...)
    for _, field in ipairs({...}) do
        local name = string.match(field, '^missed:(.*)$')
        if name and not is_webhook(name) and wrong('webhook', '', '', name .. ' is gone and was not told something') then
            redis.call('HDEL', HOOK_STATE, field)
        end
    end
end
