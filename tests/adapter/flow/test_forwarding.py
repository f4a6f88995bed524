"""A forwarded request that its worker cannot finish."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapter.event_loop.client_watch import ClientWatch
from adapter.flow.caller import Caller
from adapter.flow.forwarding import CHAT, Forwarding
from adapter.services import FlowServices
from adapter.settings.models import read_models
from adapter.settings.upstreams import UpstreamSettings
from adapter.upstream.routing.registry import Registry
from translators.chat.forwarded import read_forwarded
from translators.dialects.presets import PRESETS
from translators.errors import UpstreamError


class SilentProvider:
    """Never answers; its calls are itself."""

    requests = 0

    def forward(self, *_: Any, **__: Any) -> "SilentProvider":
        self.requests += 1
        return self

    def wait(self, seconds: float) -> bool:
        return False


def test_a_worker_that_stops_asks_no_other_provider_and_blames_none() -> None:
    upstreams = [
        UpstreamSettings(name=name, url="http://x/v1", dialect=PRESETS["default"], connect_timeout=2, timeout=5)
        for name in ("a", "b")
    ]
    registry = Registry(upstreams, read_models({"m": ["a", "b"]}, {"a": 1, "b": 1}), lambda: 0.0)
    provider = SilentProvider()
    services = SimpleNamespace(
        registry=registry, upstreams=dict.fromkeys(("a", "b"), provider), must_stop=lambda: True
    )
    caller = Caller("tenant", None, None, ClientWatch({}))
    request = read_forwarded(b'{"model": "m"}')
    forwarding = Forwarding(cast(FlowServices, services), caller, CHAT, request, None)
    with pytest.raises(UpstreamError, match="being restarted"):
        forwarding.send()
    assert provider.requests == 1
    assert registry.health.list_failures() == []
