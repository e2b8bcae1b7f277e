-- cells: the strings in which counters lie, those of queues side by side, and one for each of so many tasks; uses lib and settings.

local OTHERS, DAY_MS = '_other', 86400000
local function tally_name(name) return TALLY .. name end
local TASKS = tally_name('tasks')
local function task_key(task) return tally_name('t:' .. task) end

-- Each queue has a seat of 16 cells in strings of 4,096 seats; its marks say where. Where no marks are, the first one is nobody's.
local STRING_CELLS = 65536
local function first_cell(queue)
    local marked = marks_of(queue) or 0
    return marked - marked % SEAT
end
local function seats_key(first) return tally_name('q:' .. text(first / STRING_CELLS)) end
local function cells_of(queue)
    local first = first_cell(queue)
    if first == 0 then return '' end
    local at = first % STRING_CELLS
    return redis.call('GETRANGE', seats_key(first - at), 8 * at, 8 * (at + SEAT) - 1)
end

local function leave_seat(first)
    local at = first % STRING_CELLS
    redis.call('SETRANGE', seats_key(first - at), 8 * at, string.rep('\0', 8 * SEAT))
    redis.call('RPUSH', TALLY .. 'free', first / SEAT)
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
            counts[OTHERS] = counts[OTHERS] or {}
            for cell, n in pairs(counts[unknown[i]]) do counts[OTHERS][cell] = (counts[OTHERS][cell] or 0) + n end
            counts[unknown[i]] = nil
        end
    end
    if is_full then redis.call('ZADD', TASKS, '+inf', OTHERS) end
end

-- Add to the counters of a string, by their cells.
local function write_cells(key, cells)
    local words, k = {nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil}, 0 -- with room for a few
    for cell, n in pairs(cells) do
        words[k + 1], words[k + 2], words[k + 3], words[k + 4] = 'INCRBY', 'i64', 64 * cell, n
        k = k + 4
    end
    for i = 1, #words, 2000 do redis.call('BITFIELD', key, unpack(words, i, math.min(i + 1999, #words))) end
end

-- The same for queues, whose cells count through all strings.
local function write_seats(cells)
    local of_strings = {}
    for cell, n in pairs(cells) do
        local at = cell % STRING_CELLS
        local found = of_strings[cell - at] or {}
        found[at], of_strings[cell - at] = n, found
    end
    for first, found in pairs(of_strings) do write_cells(seats_key(first), found) end
end
