"""A forwarded request that its worker or its provider does not finish."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapter.event_loop.client_watch import ClientWatch
from adapter.flow.caller import Caller
from adapter.flow.forwarding import CHAT, Forwarding
from adapter.services import FlowServices
from adapter.settings.models import read_models
from adapter.settings.upstreams import UpstreamSettings
from adapter.upstream.redaction import Redactor
from adapter.upstream.routing.registry import Registry
from translators.chat.forwarded import read_forwarded
from translators.dialects.presets import PRESETS
from translators.errors import UpstreamError


class Provider:
    """Answers nothing, or if it `begins`, a piece of an answer; its calls are itself."""

    def __init__(self, *, begins: bool = False, error: UpstreamError | None = None) -> None:
        """`error`: raised after the first piece."""
        self.head = SimpleNamespace(fields={})
        self.requests = 0
        self.failures: list[UpstreamError] = []
        self._begins = begins
        self._error = error
        self._pieces = 0

    def forward(self, *_: Any, **__: Any) -> "Provider":
        self.requests += 1
        return self

    def wait(self, seconds: float) -> bool:
        return self._begins

    def read(self) -> bytes:
        self._pieces += 1
        if self._error is not None and self._pieces > 1:
            raise self._error
        return b"data: {}\n\n"

    def redactor(self, bearer: str | None) -> Redactor:
        return Redactor([])

    def log_failure(self, error: UpstreamError, **_: Any) -> None:
        self.failures.append(error)


def open_forwarding(provider: Provider, must_stop: Callable[[], bool]) -> tuple[Forwarding, Registry]:
    upstreams = [
        UpstreamSettings(name=name, url="http://x/v1", dialect=PRESETS["default"], connect_timeout=2, timeout=5)
        for name in ("a", "b")
    ]
    registry = Registry(upstreams, read_models({"m": ["a", "b"]}, {"a": 1, "b": 1}), lambda: 0.0)
    services = SimpleNamespace(
        registry=registry, upstreams=dict.fromkeys(("a", "b"), provider), must_stop=must_stop,
        limits=SimpleNamespace(output_bytes=1000),
    )  # fmt: skip
    caller = Caller("tenant", None, None, ClientWatch())
    request = read_forwarded(b'{"model": "m"}')
    return Forwarding(cast(FlowServices, services), caller, CHAT, request, None), registry


def test_a_worker_that_stops_asks_no_other_provider_and_blames_none() -> None:
    provider = Provider()
    forwarding, registry = open_forwarding(provider, lambda: True)
    with pytest.raises(UpstreamError, match="being restarted"):
        forwarding.send()
    assert provider.requests == 1
    assert provider.failures == []
    assert registry.health.list_failures() == []


def test_a_worker_that_stops_in_the_middle_of_a_stream_blames_no_provider() -> None:
    provider = Provider(begins=True)
    forwarding, _ = open_forwarding(provider, lambda: True)
    forwarding.send()
    assert b"being restarted" in b"".join(forwarding.pieces())
    assert provider.failures == []


@pytest.mark.parametrize("is_stream", [True, False])
def test_an_answer_that_breaks_is_logged_as_a_failed_call(is_stream: bool) -> None:
    provider = Provider(begins=True, error=UpstreamError("The connection broke.", cause="broken"))
    forwarding, _ = open_forwarding(provider, lambda: False)
    forwarding.send()
    if is_stream:
        assert b"connection broke" in b"".join(forwarding.pieces())
    else:
        with pytest.raises(UpstreamError, match="connection broke"):
            forwarding.read_whole()
    assert [error.cause for error in provider.failures] == ["broken"]
