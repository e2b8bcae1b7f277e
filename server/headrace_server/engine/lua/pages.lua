-- pages: members of sorted sets from any place on; uses lib and places.
-- A place is that of the member looked at last: (score, id), so that it stays one whatever comes and goes.

-- Members as bytes: Lua's own `<` follows the locale of the store's process.
local function before(a, b)
    for i = 1, math.min(#a, #b) do
        local x, y = string.byte(a, i), string.byte(b, i)
        if x ~= y then return x < y end
    end
    return #a < #b
end

-- How many members of a set lie up to (score, id), whether or not it is still there: among those of the same score they
-- lie in the order of their bytes.
local function rank_behind(key, score, id)
    local low = redis.call('ZCOUNT', key, '-inf', '(' .. score)
    local high = redis.call('ZCOUNT', key, '-inf', score)
    while low < high do
        local middle = math.floor((low + high) / 2)
        local member = redis.call('ZRANGE', key, middle, middle)[1]
        if before(id, member) then high = middle else low = middle + 1 end
    end
    return low
end

-- Up to n members of some sets together, behind a place: a list of {id, score}.
local function slice(keys, score, id, n)
    local found = {}
    for _, key in ipairs(keys) do
        up_to_date(key)
        local rank = score and rank_behind(key, score, id) or 0
        local part = redis.call('ZRANGE', key, rank, rank + n - 1, 'WITHSCORES')
        for i = 1, #part, 2 do found[#found + 1] = {id = part[i], score = part[i + 1]} end
    end
    if #keys == 1 then return found end
    table.sort(found, function(a, b)
        local x, y = tonumber(a.score), tonumber(b.score)
        if x ~= y then return x < y end
        return before(a.id, b.id)
    end)
    return {unpack(found, 1, math.min(n, #found))}
end
