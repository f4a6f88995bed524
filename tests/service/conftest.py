"""The surroundings of tests that need every request to reach the same worker."""

from collections.abc import Iterator

import pytest

from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream


@pytest.fixture(scope="session")
def service_of_one(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with one worker, which remembers what it has learned."""
    with Service(tmp_path_factory.mktemp("one"), upstream_url=provider.url, workers=1) as service:
        yield service
