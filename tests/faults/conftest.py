"""A service without patience, for what is about waiting."""

from collections.abc import Iterator

import pytest

from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream


@pytest.fixture(scope="session")
def hasty(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with every wait as short as it can be set, and one worker."""
    with Service(
        tmp_path_factory.mktemp("hasty"), upstream_url=provider.url, workers=1, grace_window=0.2, keep_alive=1,
        upstream_timeout=2, write_timeout=1, body_timeout=1, shutdown_grace=1,
    ) as service:  # fmt: skip
        yield service
