-- check_tallies: whether the counters of tasks are listed, and nothing is listed that has none; uses lib, cells, checks and check_keys.

function CHECKS.tally(...)
    for _, task in ipairs({...}) do
        local is_left = redis.call('EXISTS', task_key(task)) == 1 and not redis.call('ZSCORE', TASKS, task)
        if is_left and wrong('tally', '', '', 'the counters of the task ' .. task .. ' are not listed') then
            redis.call('UNLINK', task_key(task))
        end
    end
end

function CHECKS.tallies(score, id)
    return check_index(TASKS, score, id, 'tally', 'a task is listed and has no counters', function(task)
        return redis.call('EXISTS', task_key(task)) == 1
    end)
end

function CHECKS.seats(...)
    local taken = tonumber(redis.call('HGET', META, 'seats')) or 0
    for _, number in ipairs({...}) do
        local first = tonumber(number) * STRING_CELLS
        if first > taken * SEAT and wrong('tally', '', '', 'counters lie where no queue has a seat') then redis.call('UNLINK', seats_key(first)) end
    end
end
