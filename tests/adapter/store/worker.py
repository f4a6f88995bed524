"""Another worker process on the same store: `python -m gevent.monkey --module tests.adapter.store.worker URL`.

So it is patched by gevent, as under gunicorn. It does what it reads, one JSON array per line, and answers each with a
line: `["put", "b", "a"]`, `["get", "b"]`, `["chain", "b"]`, `["delete", "b"]`, `["close"]`. `["many", "x", 100]` puts
x0 … x99 from several greenlets; `["count", "", 100]` counts up a value; `["endless", "x"]` puts x0, x1, … and prints
each id as soon as its put has returned.
"""

import json
import sys
from itertools import count

from gevent.pool import Pool

from adapter.store.base import NotFound
from adapter.store.protocols import Store
from tests.adapter.store.cached import cached
from tests.adapter.store.responses import OURS, chain, count_up, response

GREENLETS = 8


def main() -> None:
    store = cached(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(answer(store, *json.loads(line))), flush=True)


def answer(store: Store, command: str, id: str = "", more: object = None) -> object:
    match command:
        case "put":
            store.put(response(id, more if isinstance(more, str) else None))
        case "get":
            try:
                return store.get(id, OURS).response.decode()
            except NotFound:
                return None
        case "chain":
            return chain(store, id)
        case "delete":
            store.delete(id, OURS)
        case "many":
            assert isinstance(more, int)
            Pool(GREENLETS).map(lambda number: store.put(response(f"{id}{number}")), range(more))
        case "endless":
            for put in Pool(GREENLETS).imap_unordered(lambda number: put_one(store, f"{id}{number}"), count()):
                print(put, flush=True)
        case "count":
            assert isinstance(more, int)
            count_up(more, store)
        case "close":
            store.close()
        case _:
            raise ValueError(command)
    return None


def put_one(store: Store, id: str) -> str:
    store.put(response(id, input=b"x" * 20_000))
    return id


if __name__ == "__main__":
    main()
