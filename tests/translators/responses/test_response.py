"""What a failed response says of an error."""

import pytest

from translators.errors import ProtocolError, RequestError, UpstreamError
from translators.responses.response import failure_of
from translators.to_responses.finish import context_length_exceeded

FAILURES: list[tuple[ProtocolError, str]] = [
    (UpstreamError("x"), "server_error"),
    (UpstreamError("x", code=None), "server_error"),
    (UpstreamError("x", code="unheard_of"), "server_error"),
    (UpstreamError("x", status=429, code="rate_limit_exceeded"), "rate_limit_exceeded"),
    (UpstreamError("x", status=429, code="insufficient_quota"), "insufficient_quota"),
    (UpstreamError("x", status=503, code="server_is_overloaded"), "server_is_overloaded"),
    (context_length_exceeded(), "context_length_exceeded"),
    (UpstreamError("x", status=400, type="invalid_request_error", code="content_filter"), "invalid_prompt"),
    (UpstreamError("x", status=400, type="invalid_request_error", code="unsupported_parameter"), "invalid_prompt"),
    (UpstreamError("x", status=400, type="invalid_request_error", code=None), "invalid_prompt"),
    (RequestError("x"), "invalid_prompt"),
]


@pytest.mark.parametrize(("error", "code"), FAILURES)
def test_a_code_that_clients_know(error: ProtocolError, code: str) -> None:
    assert failure_of(error).code == code
