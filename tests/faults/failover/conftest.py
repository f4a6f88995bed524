"""A service with two upstreams."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.failover.two_upstreams import settings
from tests.support.servers.service import Service
from tests.support.servers.upstream import (
    Upstream,
)


@pytest.fixture(scope="session")
def upstreams() -> Iterator[tuple[Upstream, Upstream]]:
    with Upstream() as a, Upstream() as b:
        yield a, b


@pytest.fixture
def a(upstreams: tuple[Upstream, Upstream]) -> Iterator[Upstream]:
    yield upstreams[0]
    upstreams[0].reset()


@pytest.fixture
def b(upstreams: tuple[Upstream, Upstream]) -> Iterator[Upstream]:
    yield upstreams[1]
    upstreams[1].reset()


@pytest.fixture(scope="session")
def routed(upstreams: tuple[Upstream, Upstream], tmp_path_factory: Any) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp("routed")
    with Service(directory, toml=settings(*upstreams), workers=1, grace_window=0.2) as service:
        yield service
