-- deliveries: what a record says of a job's last lease, all in its field `k`: a lease then writes one field, and a settle reads
-- one. It stays when the lease is over, and each lease writes it anew (terms.lua); uses lib.
-- The token (16 bytes); its deadline, when the lease began, and when the run was opened, in ms of 13 digits each (until the year
-- 2286); the task and a separator; then with spaces between them: number of the delivery in this run, fence, length of the lease
-- in ms, the instant when its running time ends or '', its place in line, and its worker (any bytes).

local NO_TOKEN = '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' -- of a lease whose token must not come back; no token is this one

-- A time as text and back: a batch says the same few again and again.
local said_times, read_times = {}, {}
local function time_text(ms)
    local found = said_times[ms]
    if not found then
        found = text(ms)
        said_times[ms] = found
    end
    return found
end
local function ms_of(words)
    local found = read_times[words]
    if not found then
        found = tonumber(words)
        read_times[words] = found
    end
    return found
end

local function wide(ms) return #ms == 13 and ms or string.rep('0', 13 - #ms) .. ms end

local function lease_deadline(words) return string.sub(words, 17, 29) end
local function lease_began(words) return string.sub(words, 30, 42) end

-- What leases of one moment say alike of jobs that were enqueued together, read once for all of them.
local said_alike = {}
local function lease_of(words)
    local said = string.sub(words, 17, string.find(words, SEPARATOR, 56, true) - 1)
    local found = said_alike[said]
    if not found then
        local began = string.sub(said, 14, 26)
        found = {deadline_ms = tonumber(string.sub(said, 1, 13)), began = began, began_ms = tonumber(began)}
        found.opened_ms, found.task = tonumber(string.sub(said, 27, 39)), string.sub(said, 40)
        said_alike[said] = found
    end
    return found
end

-- Delivery, fence, length, end of its running time ('' if it has none), place and worker, as texts; nothing of a job never leased.
local function lease_facts(words)
    if not words then return '0' end
    return string.match(words, '^(%d+) (%d+) (%d+) (%d*) (%S+) (.*)$', string.find(words, SEPARATOR, 56, true) + 1)
end
local function place_of(job) return (select(5, lease_facts(job.grant))) end

-- The same lease with another deadline, without its token, or as if there had been none in this run.
local function prolonged(words, deadline) return string.sub(words, 1, 16) .. wide(deadline) .. string.sub(words, 30) end
local function voided(words) return NO_TOKEN .. string.sub(words, 17) end
local function before_delivery(words)
    local at = string.find(words, SEPARATOR, 56, true)
    return string.sub(words, 1, at) .. '0' .. string.sub(words, string.find(words, ' ', at, true), -1)
end

-- The same facts by the names that readers know, behind the fields of a record.
local function add_lease_facts(words, fields)
    local delivery, fence, _, _, _, worker = lease_facts(words)
    for name, value in pairs({dl = delivery, fe = fence, st = lease_began(words), w = worker}) do
        fields[#fields + 1], fields[#fields + 2] = name, value
    end
end
