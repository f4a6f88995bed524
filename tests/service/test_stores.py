"""The stores behind a running service, and the commands that look after them."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import structs

from adapter.store import open_store
from adapter.store.base import StoredConversation, StoredItem
from adapter.store.sql.migrations import VERSION
from tests.adapter.store.responses import OURS, keep, response
from tests.support.chat import completion, end, text
from tests.support.servers import postgres
from tests.support.servers.service import Service
from tests.support.servers.upstream import LIMIT, Gate, Upstream, stream, whole


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.server() as server:
        yield server


@pytest.fixture
def url(server: postgres.Server) -> Iterator[str]:
    with postgres.schema(server.url) as url:
        yield url


@pytest.fixture
def file(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.db"


def command(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": os.getcwd()}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "adapter.cli", *arguments],
        capture_output=True, text=True, timeout=LIMIT, env=bare | environ, check=False,
    )  # fmt: skip


# A history that goes away


def test_a_history_that_was_deleted_during_the_answer_is_missed(file: str, upstream: Upstream, tmp_path: Path) -> None:
    """Whoever goes on is not answered by a model that knows nothing of what came before."""
    gate = Gate()
    upstream.plays(whole(completion("One.")), stream(text("Two"), gate, end()))
    with Service(tmp_path, upstream_url=upstream.url, store=file) as service:
        first = service.create("Remember 1.")
        with service.open_stream("Go on.", previous_response_id=first["id"]) as exchange:
            upstream.received(2)
            assert service.delete(f"/v1/responses/{first['id']}").status == 200
            gate.set()
            second = re.findall(rb'"id":"(resp_[0-9a-f]+)"', exchange.rest())[-1].decode()
        assert service.get(f"/v1/responses/{second}").response["status"] == "completed"
    with Service(tmp_path, upstream_url=upstream.url, store=file) as service:
        refused = service.post({"model": "m", "input": "What was it?", "previous_response_id": second})
        assert (refused.status, refused.error["code"]) == (400, "previous_response_not_found")
        assert first["id"] in refused.error["message"]


# A server that goes away


def test_a_store_that_goes_away_and_comes_back(
    server: postgres.Server, url: str, upstream: Upstream, tmp_path: Path
) -> None:
    gate = Gate()
    upstream.plays(whole(completion("One.")), stream(text("Two"), gate, end()), whole(completion("Three.")))
    with Service(tmp_path, upstream_url=upstream.url, store=url) as service:
        first = service.create()
        with service.open_stream(previous_response_id=first["id"]) as exchange:
            upstream.received(2)
            server.stop()
            try:
                gate.set()
                events = exchange.rest()
                refused = service.get(f"/v1/responses/{first['id']}")
                unready = service.get("/readyz")
                alive = service.get("/healthz")
            finally:
                server.start()
        assert b"event: response.failed" in events
        assert b"event: response.completed" not in events
        assert refused.status == 503
        assert refused.error["message"] == "The store is not available. Please try again."
        assert refused.headers["Retry-After"] == "1"
        assert (unready.status, alive.status) == (503, 200)
        third = service.create("And now?", previous_response_id=first["id"])
        assert [message["content"] for message in upstream.received(3).messages] == ["Hi", "One.", "And now?"]
        assert service.get(f"/v1/responses/{third['id']}").response == third
        assert service.get("/readyz").status == 200
    assert postgres.PASSWORD not in service.log
    assert postgres.PASSWORD.encode() not in unready.body
    assert "tester:****@127.0.0.1" in service.log


def test_two_services_on_one_database_are_one(url: str, upstream: Upstream, tmp_path: Path) -> None:
    upstream.plays(*(whole(completion(f"{number}.")) for number in range(6)))
    with (
        Service(tmp_path / "a", upstream_url=upstream.url, store=url, workers=1) as one,
        Service(tmp_path / "b", upstream_url=upstream.url, store=url, workers=1) as other,
    ):
        last = one.create("0")
        for number in range(1, 6):
            service = (one, other)[number % 2]
            last = service.create(str(number), previous_response_id=last["id"])
        said = [message["content"] for message in upstream.received(6).messages]
        assert said == ["0", "0.", "1", "1.", "2", "2.", "3", "3.", "4", "4.", "5"]
        assert one.delete(f"/v1/responses/{last['id']}").status == 200
        assert other.get(f"/v1/responses/{last['id']}").status == 404


# Commands


def test_stats(file: str) -> None:
    with closing(open_store(file)) as store:
        store.put(structs.replace(response("a", input=b"x" * 3000), created_at=0))
        keep(store, "b<a")
        store.put_conversation(StoredConversation("conv_1", "b" * 64, 86400, b"{}"))
        store.append("conv_1", "b" * 64, [StoredItem("msg_1", b"{}")])
        store.set_value("key", b"12345", until=1e12)
    done = command("store", "stats", ADAPTER_STORE=file)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"{file}\n"
        "               rows    size            oldest            newest\n"
        "responses         2  3.1 KB  1970-01-01 00:00  2025-07-20 08:26\n"
        "conversations     1     2 B  1970-01-02 00:00  1970-01-02 00:00\n"
        "items             1     2 B\n"
        "runs              0     0 B\n"
        "events            0     0 B\n"
        "values            1     5 B\n"
        "\n"
        f"tenants 2, runs under way 0, version {VERSION}\n"
    )


def test_stats_of_a_server(url: str) -> None:
    with closing(open_store(url)) as store:
        keep(store, "a")
    shown = command("store", "stats", "--store", url).stdout
    assert re.search(r"^responses +1 ", shown, re.M)
    assert postgres.PASSWORD not in shown


def test_prune(file: str) -> None:
    with closing(open_store(file)) as store:
        keep(store, "a", "b<a")
        store.put(structs.replace(response("c"), created_at=int(time.time())))
    assert command("store", "prune", "--store", file, "--retention", "1d").stdout == "Erased: 2.\n"
    assert command("store", "prune", "--store", file, "--retention", "1d").stdout == "Erased: 0.\n"
    with closing(open_store(file)) as store:
        assert [store.exists(id, OURS) for id in "abc"] == [False, False, True]


def test_upgrade_of_what_is_as_it_should_be(file: str) -> None:
    with closing(open_store(file)) as store:
        keep(store, "a")
    assert command("store", "upgrade", "--store", file).stdout == f"The store already has version {VERSION}.\n"


def test_upgrade_of_older_tables(url: str) -> None:
    old = (Path(__file__).parents[1] / "adapter/store/sql/version_2.sql").read_text()
    with closing(postgres.connect(url)) as connection:
        connection.execute(old.replace("{bytes}", "BYTEA"))  # type: ignore[call-overload]
    assert "run `responses-adapter store upgrade`" in command("store", "stats", ADAPTER_STORE=url).stderr
    assert command("store", "upgrade", ADAPTER_STORE=url).stdout == f"Upgraded from version 2 to {VERSION}.\n"
    assert command("store", "stats", ADAPTER_STORE=url).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["prune"], "There is no retention time: set --retention or ADAPTER_RETENTION."),
        (["prune", "--retention", "5"], "--retention must be at least 60 seconds: their number, or a number"),
        (["stats", "--store", "memory:"], "A memory: store ends with its server"),
        (["upgrade", "--store", "sqlite:////proc/none/store.db"], "There is no store at /proc/none/store.db: a server"),
        (["upgrade", "--store", "postgresql+psycopg://me:s3cret-word@127.0.0.1:1/db"], "cannot be reached; check"),
        (["upgrade", "--store", "postgresql+psycopg://me:s3cret-word@db/a?no=1"], "Write postgresql+psycopg://user:"),
        (["upgrade", "--store", "mysql://me:s3cret-word@db"], "--store must be memory:, sqlite:///path/to/file.db, "),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_one_line(arguments: list[str], told: str, tmp_path: Path) -> None:
    done = command("store", *arguments, ADAPTER_WORKERS="1")
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert "s3cret" not in done.stderr


def test_config_and_errors_show_no_password() -> None:
    url = "postgresql+psycopg://me:s3cret-w%40rd@db.example:5432/responses?sslpassword=s3cret"
    shown = command("config", ADAPTER_STORE=url).stdout
    assert "postgresql+psycopg://me:****@db.example:5432/responses?sslpassword=****" in shown
    assert "s3cret" not in shown


def test_a_store_whose_package_is_missing_says_what_to_install(tmp_path: Path) -> None:
    hide = "import sys; sys.modules['psycopg'] = None; from adapter.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", hide, "serve"], capture_output=True, text=True, timeout=LIMIT, check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.getcwd(), "ADAPTER_STORE": "postgresql+psycopg://db/a"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "responses-adapter: ADAPTER_STORE: this store needs the package psycopg, which is not installed: "
        "pip install 'responses-adapter[postgres]'\n"
    )


def test_a_url_that_the_driver_does_not_take_keeps_the_server_from_starting() -> None:
    url = "postgresql+psycopg://me:s3cret-word@db/a?no=1"
    done = command("serve", "--store", url, "--bind", "127.0.0.1:0", "--upstream-url", "http://127.0.0.1:9/v1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ("responses-adapter: --store: Write postgresql+psycopg://user:password@host:port/database.\n")


def test_a_file_loads_nothing_of_other_stores(file: str) -> None:
    probe = (
        "import sys; from adapter.store import open_store; store = open_store(sys.argv[1]); store.ping(); "
        "store.close(); print([name for name in sys.modules if 'psycopg' in name or 'postgres' in name])"
    )
    done = subprocess.run([sys.executable, "-c", probe, file], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# Retention


def test_workers_erase_what_is_too_old(file: str, upstream: Upstream, tmp_path: Path) -> None:
    with closing(open_store(file)) as store:
        keep(store, *(f"resp_{number:03}" for number in range(120)))
        store.put(structs.replace(response("young"), created_at=int(time.time())))
        with Service(tmp_path, upstream_url=upstream.url, store=file, retention="1h") as service:
            deadline = time.monotonic() + LIMIT
            while '"pruned"' not in service.log:
                assert time.monotonic() < deadline, service.log
                time.sleep(0.01)
        assert service.log.count('"erased":120') == 1, "one of the workers did it"
        assert not any(store.exists(f"resp_{number:03}", OURS) for number in range(120))
        assert store.exists("young", OURS)
