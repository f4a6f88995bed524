"""The Lua scripts that read and change responses, conversations and runs in Redis.

Each script is atomic: Redis runs nothing else in the meantime. A script that may store data begins with a command that
Redis rejects when its memory is full, and after which it rejects nothing more: so a script takes effect as a whole or
not at all. Source: Redis docs, Scripting with Lua.

Keys are `adapter:<kind>:<tenant>:<id>`; a tenant has no colon. Kinds:

    response       hash; without `version` the response is deleted, and stays for the responses that continue it
    continued      set of the ids of the responses that continue a response
    conversation   hash, with its lease
    items          list of a conversation's items, each as `<length of id>:<id><json>`
    run, events    hash; list of events written together, each as `<first>:<last>:<over>:<frames>`
    holder         set of `<tenant>:<id>`: the running runs of a holder; its key has no tenant
    ended, values  one sorted set of runs by their end, one hash of the service's own values
    usage          hash for each day: `<key>\n<upstream>\n<model>` → counts; `adapter:usage` is the set of the days

Every key but the last two expires. A response expires no sooner than the responses that continue it: `until`, the time
when it expires, is carried up its chain to the first ancestor that lasts as long, since all before that one do too.
"""

from typing import Final

_COMMON: Final = """
local tenant, id, now, ends = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local function key(kind, of)
    return 'adapter:' .. kind .. ':' .. tenant .. ':' .. of
end

local function keep_until(name, time)
    if redis.call('TTL', name) + now < time then
        redis.call('EXPIREAT', name, time)
    end
end

local function touch_conversation(of)
    redis.call('HSET', key('conversation', of), 'used_at', ARGV[3])
    keep_until(key('conversation', of), ends)
    keep_until(key('items', of), ends)
end

local function append_items(of, first)
    for at = first, #ARGV do
        redis.call('RPUSH', key('items', of), ARGV[at])
    end
    touch_conversation(of)
end

local function delete_run(of)
    local holder = redis.call('HGET', key('run', of), 'holder')
    if holder then
        redis.call('SREM', 'adapter:holder:' .. holder, tenant .. ':' .. of)
    end
    redis.call('DEL', key('run', of), key('events', of))
    redis.call('ZREM', 'adapter:ended', tenant .. ':' .. of)
end

local function is_continued(of)
    local by = key('continued', of)
    for _, child in ipairs(redis.call('SMEMBERS', by)) do
        if redis.call('EXISTS', key('response', child)) == 1 then
            return true
        end
        redis.call('SREM', by, child)
    end
    return false
end

local function erase(of, erasable)
    local count = 0
    while of do
        local name = key('response', of)
        if redis.call('EXISTS', name) == 0 or not erasable(name, of) or is_continued(of) then
            break
        end
        local previous = redis.call('HGET', name, 'previous')
        redis.call('DEL', name, key('continued', of))
        delete_run(of)
        count = count + 1
        if previous then
            redis.call('SREM', key('continued', previous), of)
        end
        of = previous
    end
    return count
end

local function put_response(at)
    local version, created_at, previous, conversation = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
    local name = key('response', id)
    local time = math.max(ends, tonumber(redis.call('HGET', name, 'until') or 0))
    redis.call('HSET', name, 'version', version, 'created_at', created_at, 'until', time,
        'input', ARGV[at + 4], 'response', ARGV[at + 5], 'notes', ARGV[at + 6])
    keep_until(name, time)
    redis.call('HDEL', name, 'previous', 'conversation')
    if conversation ~= '' then
        redis.call('HSET', name, 'conversation', conversation)
        if redis.call('EXISTS', key('conversation', conversation)) == 1 then
            append_items(conversation, at + 7)
        end
    end
    if previous == '' then
        return
    end
    redis.call('HSET', name, 'previous', previous)
    redis.call('SADD', key('continued', previous), id)
    local link = previous
    while link do
        name = key('response', link)
        keep_until(key('continued', link), time)
        local lasts = redis.call('HGET', name, 'until')
        if not lasts or tonumber(lasts) >= time then
            break
        end
        redis.call('HSET', name, 'until', time)
        keep_until(name, time)
        keep_until(key('run', link), time)
        link = redis.call('HGET', name, 'previous')
    end
end

local function add_events(entry)
    if entry ~= '' then
        redis.call('RPUSH', key('events', id), entry)
    end
    keep_until(key('events', id), ends)
    keep_until(key('run', id), ends)
end
"""
"""Shared by the scripts. Each takes tenant, id, the time, and the time until which the keys it touches are kept."""

_NO_CONVERSATION: Final = "if redis.call('EXISTS', key('conversation', id)) == 0 then return -1 end\n"
_FIELDS: Final = "'created_at', 'previous', 'input', 'response', 'notes', 'conversation', 'version'"

PUT: Final = f"{_COMMON} put_response(5)"
"""Takes version, created_at, previous, conversation ('': none), input, response, notes, items."""

GET: Final = f"{_COMMON} return redis.call('HMGET', key('response', id), {_FIELDS})"

CHAIN: Final = f"""{_COMMON}
local found = {{}}
local link = redis.call('HEXISTS', key('response', id), 'version') == 1 and id
while link do
    local row = redis.call('HMGET', key('response', link), {_FIELDS})
    if not row[1] then
        break
    end
    row[8] = link
    found[#found + 1] = row
    link = row[2]
end
return found
"""
"""Newest first."""

DELETE: Final = f"""{_COMMON}
local name = key('response', id)
if redis.call('HDEL', name, 'version') == 0 then
    return -1
end
delete_run(id)
erase(id, function(of) return redis.call('HEXISTS', of, 'version') == 0 end)
return 1
"""

PUT_CONVERSATION: Final = f"""{_COMMON}
redis.call('HSET', key('conversation', id), 'created_at', ARGV[5], 'metadata', ARGV[6])
touch_conversation(id)
"""
DELETE_CONVERSATION: Final = f"""{_COMMON}{_NO_CONVERSATION}
return redis.call('DEL', key('conversation', id), key('items', id))
"""
APPEND: Final = f"{_COMMON}{_NO_CONVERSATION} append_items(id, 5)"
ITEMS: Final = f"{_COMMON}{_NO_CONVERSATION} return redis.call('LRANGE', key('items', id), 0, -1)"
REMOVE: Final = f"""{_COMMON}{_NO_CONVERSATION}
local removed = -1
for _, entry in ipairs(redis.call('LRANGE', key('items', id), 0, -1)) do
    if string.sub(entry, 1, #ARGV[5]) == ARGV[5] then
        redis.call('LREM', key('items', id), 1, entry)
        removed = 1
    end
end
if removed == 1 then
    touch_conversation(id)
end
return removed
"""
TAKE_LEASE: Final = f"""{_COMMON}{_NO_CONVERSATION}
local name = key('conversation', id)
local lease = redis.call('HMGET', name, 'lease_holder', 'lease_until')
if lease[1] and lease[1] ~= ARGV[5] and tonumber(lease[2]) > tonumber(ARGV[6]) then
    return 0
end
redis.call('HSET', name, 'lease_holder', ARGV[5], 'lease_until', ARGV[7])
touch_conversation(id)
return 1
"""
"""Takes holder, the caller's time, and the time until which it takes the lease."""
RELEASE_LEASE: Final = f"""{_COMMON}
local name = key('conversation', id)
if redis.call('HGET', name, 'lease_holder') == ARGV[5] then
    redis.call('HDEL', name, 'lease_holder', 'lease_until')
end
"""

BEGIN_RUN: Final = f"""{_COMMON}
redis.call('HSET', key('run', id), 'holder', ARGV[5], 'until', ARGV[6], 'streamed', ARGV[7], 'last', ARGV[8])
redis.call('SADD', 'adapter:holder:' .. ARGV[5], tenant .. ':' .. id)
keep_until('adapter:holder:' .. ARGV[5], ends)
add_events(ARGV[9])
put_response(10)
"""
"""Takes holder, until, streamed, last, events ('': none), and the arguments of PUT."""
RECORD: Final = f"""{_COMMON}
local name = key('run', id)
local run = redis.call('HMGET', name, 'holder', 'ended', 'last')
if run[1] ~= ARGV[5] or run[2] then
    return 0
end
redis.call('HSET', name, 'last', ARGV[6])
add_events(tonumber(ARGV[8]) > tonumber(run[3]) and ARGV[9] or '')
if ARGV[7] ~= '' then
    redis.call('HSET', name, 'ended', ARGV[7])
    redis.call('SREM', 'adapter:holder:' .. ARGV[5], tenant .. ':' .. id)
    redis.call('ZADD', 'adapter:ended', ARGV[7], tenant .. ':' .. id)
end
if ARGV[10] then
    put_response(10)
end
return 1
"""
"""Takes holder, last, ended ('': running), first of the events, events ('': none), and perhaps the arguments of PUT.

Events that are stored are not stored again: repeating it after a write of unknown outcome is harmless.
"""
EVENTS: Final = f"""{_COMMON}
local found = {{}}
for at = 1, redis.call('LLEN', key('events', id)) do
    local entry = redis.call('LINDEX', key('events', id), -at)
    if tonumber(string.match(entry, '^%d+:(%d+):')) <= tonumber(ARGV[5]) then
        break
    end
    found[at] = entry
end
return found
"""
"""Takes the number after which events are wanted; newest first."""
TAKE_RUN: Final = f"""{_COMMON}
local name = key('run', id)
local run = redis.call('HMGET', name, 'holder', 'ended', 'until')
if not run[1] or run[2] or tonumber(run[3]) > tonumber(ARGV[7]) then
    return 0
end
redis.call('HSET', name, 'holder', ARGV[5], 'until', ARGV[6])
redis.call('SREM', 'adapter:holder:' .. run[1], tenant .. ':' .. id)
redis.call('SADD', 'adapter:holder:' .. ARGV[5], tenant .. ':' .. id)
keep_until('adapter:holder:' .. ARGV[5], ends)
return 1
"""
"""Takes holder, until, and the time by which the lease must expire to be taken."""
RENEW_RUNS: Final = """
for _, run in ipairs(redis.call('SMEMBERS', 'adapter:holder:' .. ARGV[1])) do
    if redis.call('EXISTS', 'adapter:run:' .. run) == 1 then
        redis.call('HSET', 'adapter:run:' .. run, 'until', ARGV[2])
    end
end
"""
DELETE_EVENTS: Final = """
for _, run in ipairs(redis.call('ZRANGEBYSCORE', 'adapter:ended', '-inf', ARGV[1])) do
    redis.call('ZREM', 'adapter:ended', run)
    redis.call('DEL', 'adapter:events:' .. run)
    if redis.call('EXISTS', 'adapter:run:' .. run) == 1 then
        redis.call('HSET', 'adapter:run:' .. run, 'last', -1)
    end
end
"""

PRUNE: Final = f"""{_COMMON}
local before, count = tonumber(ARGV[5]), 0
local function erasable(name, of)
    local row = redis.call('HMGET', name, 'created_at', 'version')
    local run = redis.call('HMGET', key('run', of), 'holder', 'ended', 'until')
    local running = run[1] and not run[2] and tonumber(run[3]) >= before
    return (tonumber(row[1]) < before or not row[2]) and not running
end
for at = 6, #ARGV, 3 do
    tenant = ARGV[at + 1]
    if ARGV[at] == 'response' then
        count = count + erase(ARGV[at + 2], erasable)
    else
        local used_at = redis.call('HGET', key('conversation', ARGV[at + 2]), 'used_at')
        if used_at and tonumber(used_at) < before then
            redis.call('DEL', key('conversation', ARGV[at + 2]), key('items', ARGV[at + 2]))
            count = count + 1
        end
    end
end
return count
"""
"""Takes the time, and kind, tenant and id of each candidate for erasing."""

MEASURE: Final = """
local found = {}
for at = 1, #ARGV, 2 do
    local kind, name = ARGV[at], ARGV[at + 1]
    local rows, bytes, created_at, running = 1, 0, false, 0
    if kind == 'items' or kind == 'events' then
        rows = 0
        for _, entry in ipairs(redis.call('LRANGE', name, 0, -1)) do
            rows = rows + 1
            bytes = bytes + #entry
        end
    elseif kind == 'run' then
        running = redis.call('HEXISTS', name, 'ended') == 0 and 1 or 0
    else
        for _, field in ipairs({'input', 'response', 'notes', 'metadata'}) do
            bytes = bytes + redis.call('HSTRLEN', name, field)
        end
        created_at = redis.call('HGET', name, 'created_at')
    end
    found[#found + 1] = {rows, bytes, created_at, running}
end
return found
"""
"""Takes kind and key of each."""
