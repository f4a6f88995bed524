"""The service's own values in Redis: one hash, `adapter:values`: key → `<Unix time until which it counts>:<value>`."""

from collections.abc import Mapping
from typing import Final

REPLACE: Final = """
local kept = redis.call('HGET', 'adapter:values', ARGV[1])
local ends, value = string.match(kept or '', '^([^:]+):(.*)$')
local exists = ends ~= nil and tonumber(ends) > tonumber(ARGV[3])
if exists ~= (ARGV[4] == '1') or (exists and value ~= ARGV[5]) then
    return 0
end
redis.call('HSET', 'adapter:values', ARGV[1], ARGV[2])
return 1
"""
"""Takes key, new entry, the time, whether there is to be a value now, and which."""
DELETE: Final = """
local count = 0
for _, name in ipairs(redis.call('HKEYS', 'adapter:values')) do
    if string.sub(name, 1, #ARGV[1]) == ARGV[1] then
        count = count + redis.call('HDEL', 'adapter:values', name)
    end
end
return count
"""
DELETE_EXPIRED: Final = """
local values = redis.call('HGETALL', 'adapter:values')
for at = 1, #values, 2 do
    if tonumber(string.match(values[at + 1], '^[^:]+')) <= tonumber(ARGV[1]) then
        redis.call('HDEL', 'adapter:values', values[at])
    end
end
"""


def entry(value: bytes, until: float) -> bytes:
    """Return what is stored for a value."""
    return b"%r:%b" % (float(until), value)


def read_entries(entries: Mapping[bytes, bytes], prefix: str, now: float) -> dict[str, bytes]:
    """Return the values whose keys begin with `prefix` and that have not expired, by key."""
    found = {}
    for key, stored in entries.items():
        until, _, value = stored.partition(b":")
        if key.startswith(prefix.encode()) and float(until) > now:
            found[key.decode()] = value
    return found
