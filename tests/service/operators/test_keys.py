"""Named keys in a service of several workers: responses at a time, a revoked key, a key that is replaced."""

import os
import signal
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

from adapter.commands.keys import table_of
from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import Gate, Upstream, stream, whole

OLD, NEW = "ra-old-key-0123456789", "ra-new-key-0123456789"
SECONDS = 6.0
"""Within so many a changed file counts everywhere."""


def status(service: Service, key: str) -> int:
    return service.request("GET", "/v1/responses/resp_0", headers={"Authorization": f"Bearer {key}"}).status


def becomes(service: Service, key: str, expected: int) -> None:
    until = monotonic() + SECONDS
    while any(status(service, key) != expected for _ in range(6)):  # by either worker
        assert monotonic() < until
        sleep(0.2)


def test_responses_at_a_time_of_all_workers(tmp_path: Path, upstream: Upstream, provider: Upstream) -> None:
    gate = Gate()
    upstream.plays(*(stream(chat.text("Hel"), gate, chat.text("lo."), chat.end()) for _ in range(3)))
    limited = table_of("team", OLD, concurrent=2)
    with Service(tmp_path, toml=limited, upstream_url=provider.url, workers=2) as service, ExitStack() as held:
        service.key = OLD
        for _ in range(2):
            held.enter_context(service.open_stream()).read_until(b'"Hel"')
        refused = service.post({"model": "m", "input": "Hi"})
        assert refused.status == 429
        assert "2 responses at a time" in refused.error["message"]
        assert refused.headers["Retry-After"] == "1"
        for worker in service.workers:
            os.kill(worker, signal.SIGKILL)  # what they had does not count any more
        with service.open_stream() as third:
            assert third.status == 200
            gate.set()
            third.rest()


def test_a_key_is_replaced_and_then_revoked(tmp_path: Path, upstream: Upstream, provider: Upstream) -> None:
    upstream.plays(whole(chat.completion("One.")), whole(chat.completion("Two.")))
    old, new = (table_of("team", key).splitlines()[1].removeprefix("hash = ") for key in (OLD, NEW))
    with Service(tmp_path, toml=f"[keys.team]\nhash = {old}\n", upstream_url=provider.url, workers=2) as service:
        file = tmp_path / "adapter.toml"
        service.key = OLD
        first = service.create("1")
        assert status(service, NEW) == 401
        file.write_text(f"[keys.team]\nhashes = [{old}, {new}]\n")
        becomes(service, NEW, 404)
        file.write_text(f"[keys.team]\nhash = {new}\n")
        becomes(service, OLD, 401)
        service.key = NEW
        assert service.create("2", previous_response_id=first["id"])["previous_response_id"] == first["id"]
