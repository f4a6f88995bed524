"""The surroundings that groups of tests share: a provider that plays scripts, and the service in front of it."""

from collections.abc import Iterator

import pytest

from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream


@pytest.fixture(scope="session")
def provider() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


@pytest.fixture
def upstream(provider: Upstream) -> Iterator[Upstream]:
    """The provider for one test, which has to play all of the scripts that it is given."""
    yield provider
    provider.reset()


@pytest.fixture(scope="session")
def service(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with the settings that it has unless told otherwise."""
    with Service(tmp_path_factory.mktemp("service"), upstream_url=provider.url) as service:
        yield service
