-- places: the sets of a queue's jobs, each written once a script: a batch of one queue costs one command for each set, not one
-- for each job. The last word about a job counts; who reads a set asks for it `up_to_date`; uses lib.

local places = {} -- by key: for each job that was put there its score, and false for one that left
local function note_place(key, id, score)
    local known = places[key]
    if known then known[id] = score else places[key] = {[id] = score} end
end
local function lay(key, score, id) note_place(key, id, score) end
local function take_out(key, id) note_place(key, id, false) end

local WORDS = 400 -- of one command; Lua can hand over some thousands
local function write_members(command, key, words)
    for i = 1, #words, WORDS do redis.call(command, key, unpack(words, i, math.min(i + WORDS - 1, #words))) end
end

-- A key, once what was put off for its set is written.
local function up_to_date(key)
    local known = places[key]
    if not known then return key end
    local come, gone = {}, {}
    for id, score in pairs(known) do
        if score then come[#come + 1], come[#come + 2] = score, id else gone[#gone + 1] = id end
    end
    write_members('ZREM', key, gone)
    write_members('ZADD', key, come)
    places[key] = nil
    return key
end

at_end[#at_end + 1] = function()
    for key in pairs(places) do up_to_date(key) end
end
