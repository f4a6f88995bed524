"""A request of some bytes that continues megabytes counts as megabytes."""

from collections.abc import Iterator

import pytest
from flask import Flask

from adapter import create_app
from adapter.settings.sources import load_settings
from adapter.sharing.offload import LARGE_BYTES
from tests.support import chat
from tests.support.servers.upstream import Upstream, stream


@pytest.fixture
def app(upstream: Upstream) -> Iterator[Flask]:
    """An application with room for one large request."""
    given = {"upstream_url": upstream.url, "store": "memory:", "workers": "1", "max_body_bytes": str(LARGE_BYTES)}
    app = create_app(load_settings({**given, "max_bodies_bytes": str(LARGE_BYTES)}, {}))
    yield app
    app.extensions["adapter"].store.close()


def test_a_history_counts_as_a_body(app: Flask, upstream: Upstream) -> None:
    client, previous = app.test_client(), None
    for _ in range(2):
        upstream.plays(stream(chat.text("Hello"), chat.end()))
        body = {"model": "m", "input": "x" * (LARGE_BYTES - 1000), "previous_response_id": previous}
        answer = client.post("/v1/responses", json=body)
        assert answer.status_code == 200, answer.data
        previous = answer.get_json()["id"]
        answer.close()
    refused = client.post("/v1/responses", json={"model": "m", "input": "Hi", "previous_response_id": previous})
    assert refused.status_code == 503
    assert refused.get_json()["error"]["code"] == "server_is_overloaded"
    assert int(refused.headers["Retry-After"]) > 0
    refused.close()
    assert app.extensions["adapter"].bodies.used == 0
