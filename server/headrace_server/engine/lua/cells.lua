-- cells: the strings in which counters lie, one for each queue and for each of so many tasks; uses lib and settings.

local OTHERS, DAY_MS = '_other', 86400000
local function tally_name(name) return TALLY .. name end
local TASKS = tally_name('tasks')
local function task_key(task) return tally_name('t:' .. task) end
local function tally_key(queue) return set_key(queue, 'counts') end

local function add(counts, name, cell, n)
    local cells = counts[name]
    if not cells then
        cells = {}
        counts[name] = cells
    end
    cells[cell] = (cells[cell] or 0) + n
end

-- Of the tasks so many have a string of their own, with the day when it was used last; one unused for long makes room.
local today = math.floor(now / DAY_MS)
local function make_room()
    if redis.call('ZCOUNT', TASKS, '-inf', '(+inf') < DEFAULTS.max_counted_tasks then return true end
    local oldest = redis.call('ZRANGE', TASKS, 0, 0, 'WITHSCORES')
    if tonumber(oldest[2]) > today - DEFAULTS.task_kept_ms / DAY_MS then return false end
    redis.call('ZREM', TASKS, oldest[1])
    redis.call('UNLINK', task_key(oldest[1]))
    return true
end

-- Find out which tasks have a string; what was counted of others goes to the one that all of them share.
local function know_tasks(counts)
    local tasks = {}
    for task in pairs(counts) do tasks[#tasks + 1] = task end
    if #tasks == 0 then return end
    local used, unknown, is_full = redis.call('ZMSCORE', TASKS, unpack(tasks)), {}, false
    for i = 1, #tasks do
        if not used[i] then unknown[#unknown + 1] = tasks[i] end
        if used[i] and tonumber(used[i]) < today then redis.call('ZADD', TASKS, today, tasks[i]) end
    end
    for i = 1, #unknown do
        is_full = is_full or not make_room()
        if not is_full then
            redis.call('ZADD', TASKS, today, unknown[i])
        elseif unknown[i] ~= OTHERS then
            for cell, n in pairs(counts[unknown[i]]) do add(counts, OTHERS, cell, n) end
            counts[unknown[i]] = nil
        end
    end
    if is_full then redis.call('ZADD', TASKS, '+inf', OTHERS) end
end

local function write_cells(key, cells)
    local words = {}
    for cell, n in pairs(cells) do
        local k = #words
        words[k + 1], words[k + 2], words[k + 3], words[k + 4] = 'INCRBY', 'i64', '#' .. cell, n
    end
    redis.call('BITFIELD', key, unpack(words))
end
