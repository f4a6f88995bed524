"""The one door of requests: its steps in their order, without a Flask request around them."""

import io
from collections.abc import Iterator
from typing import Any

import pytest

from adapter.api.request.intake import admit, admit_http, identify_caller
from adapter.history.known_inputs import TenantInputs
from adapter.services import Services
from adapter.settings.settings import Settings
from tests.support.app import KEYS
from translators.errors import RequestError

BODY = b'{"model":"m","input":"Hi"}'


@pytest.fixture
def services() -> Iterator[Services]:
    services = Services(Settings(upstream_url="http://provider.test/v1", store="memory:", api_keys=KEYS))
    yield services
    services.store.close()


def environ(body: bytes = BODY, key: str | None = KEYS[0], type: str = "application/json") -> dict[str, Any]:
    given = {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": type}
    return given if key is None else given | {"HTTP_AUTHORIZATION": f"Bearer {key}"}


def test_an_environment_is_enough(services: Services) -> None:
    caller, request = admit_http(environ(), services)
    assert (caller.bearer, request.model, request.raw_input) == (KEYS[0], "m", b'"Hi"')
    assert caller.tenant == identify_caller(environ(), services.caller_keys).tenant


def test_tenants_are_told_apart(services: Services) -> None:
    one, two = (identify_caller(environ(key=key), services.caller_keys).tenant for key in KEYS)
    assert one != two


@pytest.mark.parametrize(
    ("given", "status", "read"),
    [
        (environ(b"{", key=None, type="text/plain"), 401, 0),
        (environ(b"{", type="text/plain"), 415, 0),
        (environ(b"{"), 400, 1),
        (environ(b'{"model":"m","input":[{"type":"item_reference","id":"msg_0"}]}'), 404, 62),
    ],
    ids=["key", "body", "parse", "references"],
)
def test_the_steps_come_in_their_order(given: dict[str, Any], status: int, read: int, services: Services) -> None:
    with pytest.raises(RequestError) as caught:
        admit_http(given, services)
    assert (caught.value.status, given["wsgi.input"].tell()) == (status, read)


def test_an_endpoint_parses_in_its_own_way(services: Services) -> None:
    def parse(body: bytes, settings: Settings, known: TenantInputs | None) -> Any:
        assert (body, settings) == (b"mine", services.settings)
        raise RequestError("No.")

    caller = identify_caller(environ(), services.caller_keys)
    with pytest.raises(RequestError, match="No"):
        admit(b"mine", caller, services, services.responses, parse)
