-- check_beats: whether schedules are listed and in line, and nothing is left of those that are gone; uses lib, beats, pages, checks,
-- check_sets and check_keys.

function CHECKS.schedule(...)
    for _, name in ipairs({...}) do
        local about = redis.call('HMGET', schedule_key(name), 'spec', 'next', 'paused', 'buffered')
        if about[1] and not redis.call('ZSCORE', BEAT_NAMES, name) and wrong('schedule', '', '', name .. ' is not listed') then
            redis.call('ZADD', BEAT_NAMES, 0, name)
        end
        local place = tonumber(redis.call('ZSCORE', BEATS, name))
        local due_ms = not about[3] and tonumber(about[2]) or nil
        -- a slot that waits for the end of a job may be looked at before the next one
        local is_right = place == due_ms or (about[4] and place and (not due_ms or place < due_ms))
        if about[1] and not is_right and wrong('schedule', '', '', name .. ' is not in line for its next slot') then line_up(name) end
    end
end

function CHECKS.runs(...)
    for _, name in ipairs({...}) do
        if redis.call('EXISTS', schedule_key(name)) == 0 and wrong('schedule', '', '', name .. ' has runs and is gone') then
            redis.call('UNLINK', runs_key(name))
        end
    end
end

local function is_schedule(name) return redis.call('EXISTS', schedule_key(name)) == 1 end

function CHECKS.beatdue(score, id)
    return check_index(BEATS, score, id, 'schedule', 'a schedule is in line and gone', is_schedule)
end
function CHECKS.beatnames(score, id)
    return check_index(BEAT_NAMES, score, id, 'schedule', 'a schedule is listed and gone', is_schedule)
end
