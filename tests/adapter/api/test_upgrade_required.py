"""A GET of `/v1/responses` that is no WebSocket handshake: 426, on which Codex uses HTTP at once."""

import json

import pytest
from flask.testing import FlaskClient

from tests.support.app import KEYS, make_app

HANDSHAKE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "a" * 22 + "==",
}  # fmt: skip


def without(name: str) -> dict[str, str]:
    return {header: value for header, value in HANDSHAKE.items() if header != name}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"OpenAI-Beta": "responses_websockets=2026-02-06"},
        {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c"},
        without("Connection"),
        without("Upgrade"),
        without("Sec-WebSocket-Key"),
        without("Sec-WebSocket-Version"),
        {**HANDSHAKE, "Sec-WebSocket-Version": "8"},
        HANDSHAKE,  # good, but this server has no socket to hand over
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/v1/responses", "/v1/responses/"])
@pytest.mark.parametrize("has_socket", [True, False])
def test_what_is_no_handshake(path: str, headers: dict[str, str], has_socket: bool, client: FlaskClient) -> None:
    if has_socket and headers is HANDSHAKE:
        pytest.skip("a handshake")
    environ = {"gunicorn.socket": object()} if has_socket else {}
    answer = client.get(path, headers=headers, environ_overrides=environ)
    assert answer.status_code == 426
    assert answer.headers["Upgrade"] == "websocket"
    assert answer.headers["Connection"] == "Upgrade"
    assert answer.headers["Sec-WebSocket-Version"] == "13"
    assert json.loads(answer.data)["error"]["code"] == "upgrade_required"


def test_a_key_is_asked_for_first() -> None:
    client = make_app(api_keys=KEYS).test_client()
    assert client.get("/v1/responses").status_code == 401
    assert client.get("/v1/responses", headers={"api-key": KEYS[0]}).status_code == 426
