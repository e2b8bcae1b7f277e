-- places: the sets of a queue's jobs, each written once a script: a batch of one queue costs one command for each set, not one
-- for each job. The last word about a job counts; who reads a set asks for it `up_to_date`; uses lib.
-- A word is the score of a job that was put there, false for one that left. Where all jobs are of other queues each set has one word,
-- and pays for no table.

local ids, words_on = {}, {} -- by key: the job spoken of first, and the word on it; where there are several, a table of them by id
local function lay(key, score, id)
    local first, words = ids[key], words_on[key]
    if first == nil or first == id then
        ids[key], words_on[key] = id, score
    elseif first then
        ids[key], words_on[key] = false, {[first] = words, [id] = score}
    else
        words[id] = score
    end
end
local function take_out(key, id) lay(key, false, id) end

local WORDS = 400 -- of one command; Lua can hand over some thousands
local function write_members(command, key, words)
    for i = 1, #words, WORDS do redis.call(command, key, unpack(words, i, math.min(i + WORDS - 1, #words))) end
end

local function write_all(key, words)
    local come, gone = {}, {}
    for id, score in pairs(words) do
        if score then come[#come + 1], come[#come + 2] = score, id else gone[#gone + 1] = id end
    end
    write_members('ZREM', key, gone)
    write_members('ZADD', key, come)
end

-- A key, once what was put off for its set is written.
local function up_to_date(key)
    local first, words = ids[key], words_on[key]
    if first == nil then return key end
    if not first then
        write_all(key, words)
    elseif words then
        redis.call('ZADD', key, words, first)
    else
        redis.call('ZREM', key, first)
    end
    ids[key], words_on[key] = nil, nil
    return key
end

at_end[#at_end + 1] = function()
    for key in pairs(ids) do up_to_date(key) end
end
