"""Web pages: which may use the server, which headers let them read its answers, and DNS rebinding."""

import json

import pytest
from flask.testing import FlaskClient

from adapter.settings.settings import Settings
from tests.support.app import KEYS, make_app

APP = "https://app.example.com"
EVIL = "https://evil.example"


def client_of(**settings: object) -> FlaskClient:
    return make_app(**settings).test_client()


def code(answer: object) -> str:
    found: str = json.loads(answer.data)["error"]["code"]  # type: ignore[attr-defined]
    return found


@pytest.fixture(scope="module")
def named() -> FlaskClient:
    return client_of(cors_origins=(APP, "http://localhost:3000"))


@pytest.mark.parametrize("settings", [{}, {"api_keys": KEYS}, {"allow_open": True}, {"cors_origins": (APP,)}], ids=str)
@pytest.mark.parametrize("origin", [EVIL, "null", "http://localhost:3000", "", "localhost", f"{APP}.evil.example"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/responses"), ("GET", "/v1/models"), ("OPTIONS", "/v1/responses"), ("GET", "/nowhere")],
)
def test_a_foreign_page_is_refused(settings: dict[str, object], origin: str, method: str, path: str) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST", "Authorization": f"Bearer {KEYS[0]}"}
    answer = client_of(**settings).open(path, method=method, json={}, headers=headers)
    assert (answer.status_code, code(answer)) == (403, "origin_not_allowed")
    assert "ADAPTER_CORS_ORIGINS" in json.loads(answer.data)["error"]["message"]
    assert not any(name.lower().startswith("access-control-") for name in dict(answer.headers))


@pytest.mark.parametrize("settings", [{}, {"cors_origins": (APP,)}], ids=str)
def test_a_foreign_page_gets_no_websocket(settings: dict[str, object]) -> None:
    headers = {"Origin": EVIL, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    answer = client_of(**settings).get(
        "/v1/responses", base_url="ws://localhost:8000", headers={**headers, "Sec-WebSocket-Key": "a" * 22 + "=="}
    )
    assert (answer.status_code, code(answer)) == (403, "origin_not_allowed")


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8000", "localhost:8000"),
        ("http://localhost", "localhost"),
        ("http://localhost", "localhost:80"),
        ("https://localhost", "localhost:443"),
        ("http://[::1]:8000", "[::1]:8000"),
    ],
)
def test_the_server_s_own_pages(origin: str, host: str) -> None:
    answer = client_of().get("/v1/models", headers={"Origin": origin, "Host": host})
    assert answer.status_code == 200


@pytest.mark.parametrize("origin", [APP, "http://localhost:3000"])
@pytest.mark.parametrize(("path", "status"), [("/v1/models", 200), ("/v1/responses/resp_1", 404), ("/nowhere", 404)])
def test_a_named_origin_can_read_answers_and_errors(named: FlaskClient, origin: str, path: str, status: int) -> None:
    answer = named.get(path, headers={"Origin": origin})
    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert {"x-request-id", "x-adapter-notes"} <= set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert answer.headers["Vary"] == "Origin"


def test_a_preflight(named: FlaskClient) -> None:
    asked = {
        "Origin": APP, "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-stainless-os",
        "Access-Control-Request-Private-Network": "true",
    }  # fmt: skip
    answer = named.options("/v1/responses", headers=asked)
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == APP
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST, DELETE"
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization,content-type,x-stainless-os"
    assert answer.headers["Access-Control-Allow-Private-Network"] == "true"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_preflight_needs_no_key() -> None:
    headers = {"Origin": APP, "Access-Control-Request-Method": "POST"}
    closed = client_of(api_keys=KEYS, cors_origins=(APP,))
    assert closed.options("/v1/responses", headers=headers).status_code == 204
    refused = closed.post("/v1/responses", json={}, headers={"Origin": APP})
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, APP)


def test_all_origins() -> None:
    answer = client_of(api_keys=KEYS, cors_origins=("*",)).get("/healthz", headers={"Origin": "null"})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "null")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "127.0.0.1:8000", "127.0.0.2", "[::1]", "[::1]:8000"])
def test_hosts_that_name_this_machine(host: str) -> None:
    assert client_of().get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "10.0.0.1", "0.0.0.0", "[::2]", "["]
)
@pytest.mark.parametrize("origin", [{}, {"Origin": "http://evil.example"}], ids=str)
def test_a_rebound_name_reaches_nothing_of_an_open_server(host: str, origin: dict[str, str]) -> None:
    answer = client_of().post("/v1/responses", json={}, headers={"Host": host, **origin})
    assert (answer.status_code, code(answer)) == (403, "host_not_allowed")
    assert "ADAPTER_ALLOW_OPEN" in json.loads(answer.data)["error"]["message"]


@pytest.mark.parametrize("settings", [{"api_keys": KEYS}, {"allow_open": True}], ids=str)
def test_other_servers_have_any_name(settings: dict[str, object]) -> None:
    client = client_of(**settings)
    assert client.get("/healthz", headers={"Host": "llm.example.com"}).status_code == 200
    own = {"Host": "llm.example.com", "Origin": "https://llm.example.com"}
    assert client.get("/healthz", headers=own).status_code == 200


def test_without_the_setting_answers_carry_none_of_its_headers() -> None:
    assert Settings().cors_origins == ()
    assert "Vary" not in client_of().get("/healthz").headers
