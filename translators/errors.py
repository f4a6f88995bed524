"""The two kinds of protocol error; anything else that escapes is a bug.

`RequestError` is the caller's: a 4xx with OpenAI's envelope. `UpstreamError` is the provider's: an HTTP
status before the response has begun, `response.failed` after. Both carry the four members of the envelope
and are raised with messages a person can act on. Wording and codes: responses-api reference §6.6.
"""

from typing import Any

INTERNAL_MESSAGE = "The server had an error while processing your request. Sorry about that!"


class ProtocolError(Exception):
    """What both kinds share: a status and OpenAI's error object."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        type: str,
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type
        self.param = param
        self.code = code

    def envelope(self) -> dict[str, Any]:
        """Return the body of the HTTP answer; all four keys are always there."""
        return {
            "error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        }


class RequestError(ProtocolError):
    """The caller's mistake; nothing was sent upstream and nothing was stored."""

    def __init__(
        self, message: str, *, param: str | None = None, code: str | None = None, status: int = 400
    ) -> None:
        super().__init__(message, status=status, type="invalid_request_error", param=param, code=code)


class UpstreamError(ProtocolError):
    """The provider's failure, already mapped to what the caller should see.

    `retry_after` is in seconds, where the provider or the mapping gave one. `retry`: the same request may have more
    luck later; false where it would fail again, so that clients do not try. `refused` is the status of the provider's
    own answer and `body` what came with it, where it was an HTTP error.
    """

    refused: int = 0
    body: bytes = b""

    def __init__(
        self,
        message: str,
        *,
        status: int = 500,
        type: str = "server_error",
        param: str | None = None,
        code: str | None = "server_error",
        retry_after: float | None = None,
        retry: bool = True,
    ) -> None:
        super().__init__(message, status=status, type=type, param=param, code=code)
        self.retry_after = retry_after
        self.retry = retry


def missing(param: str) -> RequestError:
    return RequestError(
        f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter"
    )


def wrong_type(param: str, expected: str, got: str) -> RequestError:
    return RequestError(
        f"Invalid type for '{param}': expected {expected}, but got {got} instead.",
        param=param,
        code="invalid_type",
    )


def wrong_value(param: str, value: object, allowed: list[str] | tuple[str, ...]) -> RequestError:
    return RequestError(
        f"Invalid value: '{value}'. Supported values are: {listed(allowed)}.",
        param=param,
        code="invalid_value",
    )


def unsupported(param: str, why: str) -> RequestError:
    """Return the refusal of something the Responses API has and this adapter cannot do."""
    return RequestError(
        f"Unsupported parameter: '{param}' {why}", param=param, code="unsupported_parameter"
    )


def listed(values: list[str] | tuple[str, ...]) -> str:
    """Write values as OpenAI does: `'a' and 'b'`, `'a', 'b', and 'c'`."""
    quoted = [f"'{value}'" for value in values]
    if len(quoted) < 3:
        return " and ".join(quoted)
    return ", ".join(quoted[:-1]) + ", and " + quoted[-1]


def noun(value: object) -> str:
    """Name the JSON type of a decoded value as OpenAI's messages do."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int):
        return "an integer"
    if isinstance(value, float):
        return "a decimal number"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, list):
        return "an array"
    return "an object"
