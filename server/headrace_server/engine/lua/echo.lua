-- echo: what a call answered, for when it comes again because its answer was lost; dropped whole, soon after; uses lib.
-- A call is named by bytes that nobody else uses; its answers are lists of words of any bytes.

local ECHO_MS = DEFAULTS.echo_ms
local span = math.floor(now / ECHO_MS)

local function packed(answers)
    local parts = {}
    for _, words in ipairs(answers) do
        for _, word in ipairs(words) do parts[#parts + 1] = text(#word) .. ':' .. word end
        parts[#parts + 1] = ';'
    end
    return table.concat(parts)
end

local function unpacked(bytes)
    local answers, words, at = {}, {}, 1
    while at <= #bytes do
        if string.sub(bytes, at, at) == ';' then
            answers[#answers + 1], words, at = words, {}, at + 1
        else
            local colon = string.find(bytes, ':', at, true)
            local last = colon + tonumber(string.sub(bytes, at, colon - 1))
            words[#words + 1], at = string.sub(bytes, colon + 1, last), last + 1
        end
    end
    return answers
end

-- What this very call was answered, or nil: it comes for the first time.
local function heard(call)
    for age = 0, 1 do
        local bytes = redis.call('HGET', echo_key(span - age), call)
        if bytes then return unpacked(bytes) end
    end
end

local function keep(call, answers)
    redis.call('HSET', echo_key(span), call, packed(answers))
    plan('echo', text(span), (span + 2) * ECHO_MS)
end

-- Answer each of n items by the words that act(i, rev) returns; a call that comes again is answered as before.
local function answer_once(call, n, act)
    local answers = heard(call)
    if not answers then
        local rev = reserve(n)
        answers = {}
        for i = 1, n do answers[i] = act(i, rev + i) end
        keep(call, answers)
    end
    return finish_script(answers)
end
