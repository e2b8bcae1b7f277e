-- places: the sets of a queue's jobs, each written once a script: a batch of one queue costs one command for each set, not one
-- for each job. The last word about a job counts; who reads a set asks for it `up_to_date`; uses lib.
-- What is said of a set is gathered as the arguments of its next command, and written early where the command is to be another.

local keys_of = {} -- by name and queue: a batch asks for the same few again and again
local function set_of(queue, name)
    local keys = keys_of[name] or {}
    keys_of[name] = keys
    local key = keys[queue] or set_key(queue, name)
    keys[queue] = key
    return key
end

local coming, going = {}, {} -- by key: scores and ids of jobs that were put there; ids of jobs that left. A key is in one of them

local WORDS = 400 -- of one command; Lua can hand over some thousands
local function write_members(command, key, words)
    for i = 1, #words, WORDS do redis.call(command, key, unpack(words, i, math.min(i + WORDS - 1, #words))) end
end

-- A key, once what was put off for its set is written.
local function up_to_date(key)
    if coming[key] then
        write_members('ZADD', key, coming[key])
        coming[key] = nil
    elseif going[key] then
        write_members('ZREM', key, going[key])
        going[key] = nil
    end
    return key
end

local function lay(key, score, id)
    local words = coming[key]
    if words then
        local n = #words
        words[n + 1], words[n + 2] = score, id
    else
        coming[up_to_date(key)] = {score, id}
    end
end
local function take_out(key, id)
    local words = going[key]
    if words then
        words[#words + 1] = id
    else
        going[up_to_date(key)] = {id}
    end
end

at_end[#at_end + 1] = function()
    for key, words in pairs(going) do write_members('ZREM', key, words) end
    for key, words in pairs(coming) do write_members('ZADD', key, words) end
end
