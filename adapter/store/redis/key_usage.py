"""What named keys have used, in Redis: a hash for each day; a field has the counts of one key, upstream and model."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from adapter.store.base import USAGE_COUNTS, USAGE_DAYS, KeyUsage

ADD: Final = """
redis.call('SADD', 'adapter:usage', ARGV[3])
for at = 2, #ARGV, 8 do
    local name = 'adapter:usage:' .. ARGV[at + 1]
    local before = redis.call('HGET', name, ARGV[at])
    local sums = {}
    for count in string.gmatch(before or '0 0 0 0 0 0', '%d+') do
        sums[#sums + 1] = string.format('%.0f', count + ARGV[at + 1 + #sums + 1])
    end
    redis.call('SADD', 'adapter:usage', ARGV[at + 1])
    redis.call('HSET', name, ARGV[at], table.concat(sums, ' '))
    redis.call('EXPIRE', name, ARGV[1])
end
"""
"""Takes the seconds until a day expires, and field, day and counts of each."""
GET: Final = """
local found = {}
for _, day in ipairs(redis.call('SMEMBERS', 'adapter:usage')) do
    if day >= ARGV[1] then
        local entries = redis.call('HGETALL', 'adapter:usage:' .. day)
        table.insert(entries, 1, day)
        found[#found + 1] = entries
    end
end
return found
"""
"""Takes the first day; returns each day with its fields and counts."""


def script_values(added: Iterable[KeyUsage]) -> Iterator[Any]:
    """Yield what ADD takes."""
    yield USAGE_DAYS * 24 * 3600
    for one in added:
        yield "\n".join((one.key, one.upstream, " ".join(one.model.split("\n"))))
        yield one.day
        yield from (getattr(one, name) for name in USAGE_COUNTS)


def read_usages(days: Iterable[Sequence[bytes]]) -> list[KeyUsage]:
    """Return the usages that GET has returned, sorted by day, key, upstream and model."""
    found = []
    for day, *entries in days:
        for field, counts in zip(entries[::2], entries[1::2], strict=True):
            key, upstream, model = field.decode().split("\n")
            found.append(KeyUsage(key, day.decode(), upstream, model, *map(int, counts.split(b" "))))
    return sorted(found, key=lambda one: (one.day, *one.place))
