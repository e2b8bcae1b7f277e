-- workers: workers of a filter in the order of their ids, a bounded page; or one.
-- uses:    lib fleet
-- states:  none
-- keys:    meta, fleet:w:<worker>, fleet:directives (hash), fleet:workers, fleet:names (zset)
-- args:    how many, how many to look at, start behind this id or '', up | lost | '', queue or '', task or '',
--          takes jobs ('1': those that may take jobs of queue and task, also if they do not say it | '');
--          or 0, id
-- returns: how many were looked at; behind which id to go on, '' at the end; per worker: id, when it is lost in unix ms, directive,
--          names and values of its fields
-- flags:   no-writes
-- cost:    O(workers looked at)

-- `silent`: whether one fits that does not say what it serves.
local function has_word(words, word, silent)
    if word == '' then return true end
    if (words or '') == '' then return silent end
    return string.find(words, SEPARATOR .. word .. SEPARATOR, 1, true)
end

local function fits(worker, state, queue, task, takes)
    local is_up = now < (tonumber(redis.call('ZSCORE', WORKERS, worker)) or 0)
    if state ~= '' and is_up ~= (state == 'up') then return false end
    local words = redis.call('HMGET', worker_key(worker), 'queues', 'tasks', 'takes')
    if takes == '1' and (words[3] ~= '1' or redis.call('HEXISTS', DIRECTIVES, worker) == 1) then return false end
    return has_word(words[1], queue, takes == '1') and has_word(words[2], task, takes == '1')
end

local most, found, bytes = tonumber(ARGV[1]), {}, 0
if most == 0 then
    local is_known = redis.call('EXISTS', worker_key(ARGV[2])) == 1
    return {'ok', text(now), '', {'1', '', is_known and view_worker(ARGV[2]) or nil}}
end

local names = redis.call('ZRANGEBYLEX', WORKER_NAMES, ARGV[3] == '' and '-' or '(' .. ARGV[3], '+', 'LIMIT', 0, tonumber(ARGV[2]))
local looked_at = 0
for _, worker in ipairs(names) do
    if #found >= most or bytes >= DEFAULTS.script_bytes then break end
    looked_at = looked_at + 1
    if fits(worker, unpack(ARGV, 4, 7)) then
        local view = view_worker(worker)
        for _, word in ipairs(view[4]) do bytes = bytes + #word end
        found[#found + 1] = view
    end
end
local is_end = looked_at == #names and #names < tonumber(ARGV[2])
return {'ok', text(now), '', {text(looked_at), is_end and '' or names[looked_at], unpack(found)}}
