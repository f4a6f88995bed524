"""Requests that are generated from the OpenAPI document: no failure of the server, and answers as it says.

`make fuzz-api` sends more of them (API_EXAMPLES).
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS

from adapter.api.about.openapi import DOCUMENT
from tests.support.servers.service import Service

EXAMPLES = int(os.environ.get("API_EXAMPLES", "4"))
SCHEMA = schemathesis.openapi.from_path(DOCUMENT)
OPERATIONS = {one.ok().label: one.ok() for one in SCHEMA.get_all_operations()}
JUDGES = CHECKS.get_by_names([
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
])  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with the demo upstream."""
    with Service(tmp_path_factory.mktemp("demo"), workers=1) as service:
        yield service


@pytest.mark.parametrize("label", sorted(set(OPERATIONS) - {"GET /v1/responses"}))
def test_an_operation(label: str, demo: Service) -> None:
    @settings(
        max_examples=EXAMPLES, derandomize=EXAMPLES < 10, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=OPERATIONS[label].as_strategy())
    def send(case: Any) -> None:
        answer = case.call(base_url=demo.url.removesuffix("/v1"), timeout=30)
        case.validate_response(answer, checks=JUDGES)

    send()
