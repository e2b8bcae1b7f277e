-- echo: what a call answered, for when it comes again because its answer was lost; dropped whole, soon after; uses lib.
-- A call is named by bytes that nobody else uses; its answers are texts of any bytes, at most 255 each.

local ECHO_MS = DEFAULTS.echo_ms
local span = math.floor(now / ECHO_MS)

-- Each behind a byte that says how long it is.
local function packed(answers)
    local parts = {}
    for i = 1, #answers do parts[2 * i - 1], parts[2 * i] = string.char(#answers[i]), answers[i] end
    return table.concat(parts)
end

local function unpacked(bytes)
    local answers, at = {}, 1
    while at <= #bytes do
        local last = at + string.byte(bytes, at)
        answers[#answers + 1], at = string.sub(bytes, at + 1, last), last + 1
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

-- Answer each of n items by the text that act(i, rev) returns; a call that comes again is answered as before.
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
