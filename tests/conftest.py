"""What groups of tests share: a provider that plays scripts, the service in front of it, and how hypothesis searches.

Hypothesis tries the same examples in every plain run; `HYPOTHESIS_PROFILE=explore` tries other and more ones.
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "repeatable", derandomize=True, database=None, deadline=None, max_examples=150, suppress_health_check=SLOW
)
settings.register_profile("explore", deadline=None, max_examples=1500, print_blob=True, suppress_health_check=SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


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
