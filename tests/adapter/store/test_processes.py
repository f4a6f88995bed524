"""Several processes on one SQLite file, as gunicorn's workers are: each sees at once what the others did."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adapter.store import open_store
from adapter.store.base import NotFound
from adapter.store.protocols import Store
from tests.adapter.store.cached import cached
from tests.adapter.store.responses import OURS, chain, keep, response

ROOT = Path(__file__).parents[3]


class Worker:
    """A running `tests.adapter.store.worker`."""

    def __init__(self, url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gevent.monkey", "--module", "tests.adapter.store.worker", url],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def begin(self, *command: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def does(self, *command: object) -> object:
        """Have a command done and return its answer."""
        self.begin(*command)
        return json.loads(self.line())

    def kill(self) -> list[str]:
        """End the process without a chance to do anything; return the whole lines that it had still printed."""
        assert self._process.stdout is not None
        self._process.kill()
        printed = self._process.stdout.readlines()
        self.stop()
        return [line for line in printed if line.endswith("\n")]

    def stop(self) -> None:
        self._process.communicate()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/responses.db"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with closing(cached(url)) as store:
        yield store


@pytest.fixture
def other(url: str) -> Iterator[Worker]:
    worker = Worker(url)
    yield worker
    worker.stop()


def test_each_sees_at_once_what_the_other_did(store: Store, other: Worker) -> None:
    keep(store, "a")
    assert other.does("get", "a") == response("a").response.decode()
    other.does("put", "b", "a")
    assert chain(store, "b") == ["a", "b"]
    keep(store, "c<b")
    assert other.does("chain", "c") == ["a", "b", "c"]

    assert store.get("b", OURS) == response("b", "a")
    other.does("delete", "b")
    with pytest.raises(NotFound):
        store.get("b", OURS)
    store.delete("a", OURS)
    assert other.does("get", "a") is None
    assert other.does("chain", "c") == ["a", "b", "c"]

    other.does("delete", "c")
    keep(store, "d<a")
    assert other.does("chain", "d") == ["d"]


def test_a_snapshot_replaced_by_the_other_is_read_anew(store: Store, other: Worker) -> None:
    store.put(response("a", text="so far"))
    assert "so far" in str(other.does("get", "a"))
    store.put(response("a", text="at the end"))
    assert "at the end" in str(other.does("get", "a"))


def test_all_begin_and_write_at_once(url: str) -> None:
    """Nobody made the file before: all of them try."""
    workers = [Worker(url) for _ in range(3)]
    for number, worker in enumerate(workers):
        worker.begin("many", f"{number}_", 100)
    for worker in workers:
        assert json.loads(worker.line()) is None
    for worker in workers:
        for number in range(3):
            assert worker.does("get", f"{number}_99") is not None
        worker.stop()
    with closing(open_store(url)) as store:
        assert all(store.exists(f"{number}_{put}", OURS) for number in range(3) for put in range(100))


def test_all_replace_one_value_at_once(url: str) -> None:
    workers = [Worker(url) for _ in range(3)]
    for worker in workers:
        worker.begin("count", "", 100)
    for worker in workers:
        assert json.loads(worker.line()) is None
        worker.stop()
    with closing(open_store(url)) as store:
        assert store.values("count", now=0.0) == {"count": b"300"}


def test_one_closes_and_the_other_goes_on(store: Store, other: Worker) -> None:
    other.does("put", "a")
    keep(store, "b<a")
    other.does("close")
    keep(store, "c<b")
    assert chain(store, "c") == ["a", "b", "c"]
    assert other.does("chain", "c") == ["a", "b", "c"]


def test_a_killed_writer_loses_nothing_that_it_had_put(url: str) -> None:
    worker = Worker(url)
    worker.begin("endless", "a")
    put = [*(worker.line() for _ in range(50)), *worker.kill()]
    with closing(open_store(url)) as store:
        for id in map(str.rstrip, put):
            assert store.get(id, OURS) == response(id, input=b"x" * 20_000)
        keep(store, "b")
        assert store.exists("b", OURS)


def test_everything_is_there_after_a_restart(url: str) -> None:
    with closing(open_store(url)) as store:
        keep(store, "a", "b<a", "c<b")
        store.delete("a", OURS)
    with closing(open_store(url)) as store:
        assert chain(store, "c") == ["a", "b", "c"]
        with pytest.raises(NotFound):
            store.get("a", OURS)


FORK = """
import os, sys
from adapter.store import open_store
from tests.adapter.store.responses import chain, keep
store = open_store(sys.argv[1])
keep(store, "a") if "used" in sys.argv else None
store.close() if "closed" in sys.argv else None
if os.fork() == 0:
    try:
        keep(store, "b<a")
        print(*chain(store, "b"), flush=True)
        store.close()
    except RuntimeError as error:
        print(error, flush=True)
    os._exit(0)
os.wait()
keep(store, "c<b")
print(*chain(store, "c"))
store.close()
"""


@pytest.mark.parametrize(
    ("before", "then"),
    [
        (["unused"], ["b", "b c"]),
        (["used", "closed"], ["a b", "a b c"]),
        (["used", "open"], ["The store was opened before this process was forked; close it before the fork.", "c"]),
    ],
)
def test_fork(url: str, before: list[str], then: list[str]) -> None:
    """gunicorn loads the application before it forks its workers."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK, url, *before]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == then
    assert done.stderr == ""
