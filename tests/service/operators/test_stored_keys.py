"""Keys in the store, with two servers that share it: made, replaced and revoked while both run."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

import pytest

from adapter.api.admin.app import create_admin_app
from adapter.settings.caller_keys import CallerKey
from tests.adapter.commands.test_cli import run
from tests.service.operators.test_metrics import free_port
from tests.support import chat
from tests.support.app import make_app
from tests.support.client import Client
from tests.support.servers.service import Service
from tests.support.servers.upstream import Gate, Upstream, stream, whole
from tests.support.websocket import Socket

ADMIN_KEY = "test-admin-key-0123456789"
SECONDS = 5.0
"""Within so many a revoked key is refused everywhere."""


class Servers:
    def __init__(self, first: Service, second: Service, admin: Client, store: str) -> None:
        self.both = first, second
        self.admin = admin
        self.store = store

    def command(self, *arguments: str) -> str:
        shown = run("keys", *arguments, ADAPTER_STORE=self.store)
        assert shown.returncode == 0, shown.stderr
        return shown.stdout.strip()

    def statuses(self, key: str) -> set[int]:
        """Return what the workers of both answer to a key: 404 if they accept it."""
        headers = {"Authorization": f"Bearer {key}"}
        return {one.request("GET", "/v1/responses/resp_0", headers=headers).status for one in self.both * 4}

    def become(self, status: int, *keys: str | None) -> None:
        """Wait until all workers answer so to some keys."""
        until = monotonic() + SECONDS
        while any(self.statuses(str(key)) != {status} for key in keys):
            assert monotonic() < until
            sleep(0.1)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, provider: Upstream) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("keys")
    store = f"sqlite:///{folder}/shared.db"
    admin = Client("127.0.0.1", free_port(), ADMIN_KEY)
    settings = {"upstream_url": provider.url, "store": store, "stored_keys": "1", "workers": 2}
    with ExitStack() as stack:
        first = stack.enter_context(
            Service(folder / "1", admin_bind=f"127.0.0.1:{admin.port}", admin_key=ADMIN_KEY, **settings)
        )
        yield Servers(first, stack.enter_context(Service(folder / "2", **settings)), admin, store)


def test_a_key_is_made_replaced_and_revoked(servers: Servers, upstream: Upstream) -> None:
    gate = Gate()
    upstream.plays(
        whole(chat.completion("One.")), whole(chat.completion("Two.")), stream(chat.text("Hel"), gate, chat.end())
    )
    first, second = servers.both
    assert servers.statuses("ra-unknown-0123456789") == {401}
    first.key = servers.command("create", "search", "--stored", "--concurrent", "8")
    servers.become(404, first.key)
    response = first.create("1")
    second.key = servers.command("rotate", "search", "--overlap", "1h")
    servers.become(404, first.key, second.key)
    assert second.create("2", previous_response_id=response["id"])["previous_response_id"] == response["id"]
    assert "search: concurrent 8, 2 hashes, in the store" in run(
        "keys", "list", ADAPTER_STORE=servers.store, ADAPTER_STORED_KEYS="1"
    ).stdout
    with second.open_stream() as answer:
        answer.read_until(b'"Hel"')
        servers.command("revoke", "search")
        servers.become(401, first.key, second.key)
        gate.set()
        answer.rest()  # it began with a key that was good


def test_an_admin_key_makes_others_at_the_admin_address(servers: Servers) -> None:
    for path in ("/keys", "/usage"):
        assert servers.both[0].get(path).status == 404, "the public address has none of it"
        assert Client("127.0.0.1", servers.admin.port).get(path).status == 401
    made = servers.admin.request("POST", "/keys", {"name": "boss", "admin": True, "tokens_per_day": 10})
    assert made.status == 201
    boss = Client("127.0.0.1", servers.admin.port, made.json["key"])
    other = boss.request("POST", "/keys", {"name": "other", "expires": "2999-01-01"}).json["key"]
    assert boss.request("POST", "/keys", {"name": "other"}).error["code"] == "key_exists"
    assert boss.request("POST", "/keys", {"name": "x", "colour": 1}).error["code"] == "invalid_value"
    servers.become(404, other)
    assert Client("127.0.0.1", servers.admin.port, other).get("/keys").status == 401
    assert boss.get(f"/usage?days={'9' * 5000}").error["param"] == "days"
    listed = {key["name"]: key for key in boss.get("/keys").json["data"]}
    assert listed["boss"]["tokens_per_day"] == 10
    assert (listed["other"]["expires"], listed["other"]["in_progress"]) == ("2999-01-01", 0)
    for number in range(6):  # whichever worker is asked
        assert boss.request("POST", "/keys", {"name": f"listed-{number}"}).status == 201
        assert f"listed-{number}" in {key["name"] for key in boss.get("/keys").json["data"]}
    newer = boss.request("POST", "/keys/other/rotate", {"overlap_seconds": 60}).json["key"]
    servers.become(404, newer, other)
    assert boss.request("DELETE", "/keys/other").json["deleted"]
    assert boss.request("DELETE", "/keys/other").error["code"] == "key_not_found"
    servers.become(401, newer)


@pytest.mark.parametrize("path", ["/keys", "/keys/absent/rotate"])
def test_a_body_at_the_admin_address_is_bounded(servers: Servers, path: str) -> None:
    pieces = [b'{"name": "', *[b"a" * 8192] * 16, b'"}']
    assert servers.admin.request("POST", path, b"".join(pieces)).status == 413
    cut = servers.admin.request("POST", path, iter(pieces))  # chunked: its length is not known before
    assert cut.error["message"] == "The body must be a JSON object, of 64 KB at most."


def test_an_open_websocket_gets_no_more_from_a_revoked_key(servers: Servers, upstream: Upstream) -> None:
    upstream.plays(stream(chat.text("Hello."), chat.end()))
    first, _ = servers.both
    key = servers.command("create", "socket", "--stored")
    servers.become(404, key)
    with Socket(first, key) as socket:
        assert socket.turn()["status"] == "completed"
        servers.command("revoke", "socket")
        servers.become(401, key)
        assert socket.refused()["code"] == "invalid_api_key"


def test_the_commands_say_what_is_wrong(servers: Servers, tmp_path: Path) -> None:
    servers.command("create", "twice", "--stored")
    for arguments, message in (
        (("create", "twice", "--stored"), "There is a key twice already."),
        (("rotate", "absent"), "There is no key absent in the store."),
        (("revoke", "absent"), "There is no key absent in the store."),
        (("rotate", "twice", "--overlap", "soon"), "--overlap must be 0, or at least 60 seconds"),
        (("create", "a b", "--stored"), 'keys."a b": a name has'),
    ):
        shown = run("keys", *arguments, ADAPTER_STORE=servers.store)
        assert shown.returncode == 2
        assert message in shown.stderr
    shown = run("keys", "list", ADAPTER_STORE=servers.store)
    assert "only with ADAPTER_STORED_KEYS=1" in shown.stdout
    assert "with its --config" in shown.stdout


def test_a_key_of_the_configuration_file_is_not_changed_in_the_store(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/keys.db"
    assert run("keys", "create", "search", "--stored", ADAPTER_STORE=store).returncode == 0
    file = tmp_path / "adapter.toml"
    file.write_text(f'[keys.search]\nhash = "sha256:{"0" * 64}"\n')
    for change in ("rotate", "revoke"):
        shown = run("keys", change, "search", ADAPTER_STORE=store, ADAPTER_CONFIG=str(file))
        assert (shown.returncode, shown.stdout) == (2, "")
        assert "in the configuration file" in shown.stderr
    key = CallerKey(name="search", digests=frozenset({"0" * 64}), tenant="search")
    app = make_app(keys=(key,), stored_keys=True, admin_bind="127.0.0.1:9464")
    admin = create_admin_app(app.extensions["adapter"]).test_client()
    answer = admin.post("/keys/search/rotate", base_url="http://127.0.0.1:9464")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "key_exists")  # type: ignore[index]
