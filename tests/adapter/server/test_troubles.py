"""What a server says is not in order when it starts: one sentence each, and none when all is well."""

import resource
import socket
from collections.abc import Iterator

import pytest

from adapter.server import troubles
from adapter.server.troubles import FILES, find_troubles, raise_file_limit
from adapter.settings.settings import Settings
from adapter.settings.upstreams import UpstreamSettings
from translators.dialects.presets import PRESETS

KEY = "sk-12345678"


@pytest.fixture(autouse=True)
def _limits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in troubles._PROXIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (FILES, FILES))


@pytest.fixture
def port() -> Iterator[int]:
    """A port at which something listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found: int = listening.getsockname()[1]
    return found


def test_nothing_when_all_is_well(port: int) -> None:
    assert find_troubles(Settings(upstream_url=f"http://127.0.0.1:{port}/v1", store="memory:", workers=1)) == []


@pytest.mark.parametrize(("path", "said"), [("", True), ("/", True), ("/v1", False), ("/openai", False)])
def test_a_base_url_without_a_path(path: str, said: bool, port: int) -> None:
    found = find_troubles(Settings(upstream_url=f"http://127.0.0.1:{port}{path}", store="memory:", workers=1))
    assert found == [
        f"http://127.0.0.1:{port}{path} has no path, but most base URLs end in /v1. Correct ADAPTER_UPSTREAM_URL, "
        "if need be."
    ] * said


def test_a_provider_that_cannot_be_reached(port: int, closed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    other = UpstreamSettings(
        name="far", url="http://far.invalid/v1", dialect=PRESETS["default"], connect_timeout=2, timeout=5
    )
    settings = Settings(
        upstream_url=f"http://127.0.0.1:{closed}/v1", upstreams=(other,), config="adapter.toml", store="memory:"
    )
    refused, unknown = find_troubles(settings)
    assert refused == (
        f"http://127.0.0.1:{closed}/v1 cannot be reached: connection refused. Start the provider, or correct "
        "ADAPTER_UPSTREAM_URL."
    )
    assert unknown.startswith("http://far.invalid/v1 cannot be reached: its name is not known.")
    assert unknown.endswith("correct adapter.toml: upstreams.far.url.")
    monkeypatch.setenv("https_proxy", "http://proxy.invalid")
    assert find_troubles(settings) == []


def test_a_provider_that_does_not_answer_takes_two_seconds_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        assert timeout <= 2.0
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", connect)
    (found,) = find_troubles(Settings(upstream_url="http://h/v1", store="memory:"))
    assert "does not answer within 2 seconds" in found


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        (Settings(upstream_url="https://127.0.0.1:9/v1", store="memory:", api_keys=(KEY,)), 1),
        (Settings(upstream_url="https://127.0.0.1:9/v1", store="memory:", api_keys=(KEY,), upstream_api_key=KEY), 0),
        (Settings(upstream_url="https://127.0.0.1:9/v1", store="memory:"), 0),
        (Settings(upstream_url="http://127.0.0.1:9/v1", store="memory:", api_keys=(KEY,)), 0),
    ],
    ids=["none", "its own", "the caller's", "of a program on this machine"],
)
def test_a_provider_without_a_key(settings: Settings, count: int) -> None:
    found = [trouble for trouble in find_troubles(settings) if "gets no key" in trouble]
    assert len(found) == count
    assert all("Set ADAPTER_UPSTREAM_API_KEY" in trouble for trouble in found)


def test_too_few_files(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (1024, 1024))
    (found,) = find_troubles(Settings(upstream_url=f"http://127.0.0.1:{port}/v1", store="memory:"))
    assert "512 streams" in found


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ((1024, 1 << 20), (FILES, 1 << 20)), ((1024, 4096), (4096, 4096)), ((FILES, 1 << 20), None),
        ((1 << 20, 1 << 20), None), ((1024, resource.RLIM_INFINITY), (FILES, resource.RLIM_INFINITY)),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), None),
    ],
)  # fmt: skip
def test_the_limit_of_files_is_raised(
    now: tuple[int, int], then: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda kind: now)
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limits: asked.append(limits))
    raise_file_limit()
    assert asked == ([] if then is None else [then])
