"""The two kinds of protocol error, and the wording of request errors; anything else that escapes is a bug.

`RequestError` is the caller's: a 4xx with OpenAI's envelope. `UpstreamError` is the provider's: an HTTP
status before the response has begun, `response.failed` after. Both carry the four members of the envelope
and a message a person can act on. The functions below build request errors with OpenAI's wording and codes.
Source: OpenAI guide, Error codes.
"""

from collections.abc import Callable
from typing import Any, Final, Literal, Self

from msgspec import Struct
from msgspec.structs import replace

INTERNAL_MESSAGE: Final = "The server had an error while processing your request. Sorry about that!"

_MAX_QUOTED_CHARACTERS: Final = 64
"""Of a caller's value in an error message: enough to recognise it, and the message stays one line in a log."""


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

    def copy(self) -> Self:
        """Return the same error as one that was never raised.

        A raised error refers to the frames that it passed. An object that one of these frames refers to would make a
        reference cycle by referring to it: store a copy, and raise a copy of that.
        """
        made = self.__class__.__new__(self.__class__, *self.args)
        made.__dict__.update(self.__dict__)
        return made

    def redacted(self, redact: Callable[[str], str]) -> Self:
        """Return a copy, its texts passed through `redact`: providers may repeat the key that they were called with."""
        made = self.copy()
        made.message = redact(self.message)
        made.type = redact(self.type)
        made.param = self.param and redact(self.param)
        made.code = self.code and redact(self.code)
        made.args = (made.message,)
        return made


class RequestError(ProtocolError):
    """The caller's mistake; nothing was sent upstream and nothing was stored."""

    def __init__(
        self, message: str, *, param: str | None = None, code: str | None = None, status: int = 400
    ) -> None:
        super().__init__(message, status=status, type="invalid_request_error", param=param, code=code)


class ProviderError(Struct, frozen=True, gc=False):
    """The provider's own account of a failure, as `failures/bodies.py` reads it from an error body of any shape.

    A value, not an exception: an `UpstreamError` is made from it. Members that the body lacks are empty.
    """

    message: str = ""
    code: str | None = None
    type: str | None = None
    param: str | None = None
    """The place in the chat request that the error is about."""
    status: int = 0
    """The HTTP status of the answer; within a body, the one that the error names. 0: none."""
    details: str = ""
    """Further text beside the message."""
    retry_after: str = ""
    """When to retry, where a member says so (Google's `retryDelay`), as written there."""
    headers: dict[str, str] = {}
    """Headers of the provider behind a gateway (OpenRouter), names in lower case."""
    is_page: bool = False
    """The body is a web page."""
    body: bytes = b""
    """The JSON object that is the body of an HTTP error, its secrets replaced; b"": it is none."""

    @property
    def label(self) -> str:
        """Its code and type. Unlike the message, they never quote the caller."""
        return " ".join(filter(None, (self.code, self.type)))

    @property
    def words(self) -> str:
        """Code, type and message."""
        return f"{self.label} {self.message}".strip()

    def redacted(self, redact: Callable[[str], str]) -> "ProviderError":
        """Return a copy, its texts passed through `redact`."""
        return replace(
            self,
            message=redact(self.message),
            code=self.code and redact(self.code),
            type=self.type and redact(self.type),
            param=self.param and redact(self.param),
            details=redact(self.details),
        )


Cause = Literal[
    "refused", "name", "certificate", "tls", "proxy", "connect timeout", "unreachable", "not http",
    "broken", "silence", "status", "answer", "",
]  # fmt: skip
"""Why a call failed. Up to "not http" the provider has not got the request. "broken" and "silence": it may have got it,
and no whole answer came. "status": it answered with an HTTP error. "answer": what it answered is an error, or cannot be
used. "": the failure is not the provider's."""
UNSENT: Final[frozenset[Cause]] = frozenset(
    {"refused", "name", "certificate", "tls", "proxy", "connect timeout", "unreachable", "not http"}
)


class UpstreamError(ProtocolError):
    """The provider's failure, already mapped to the status, code and message for the caller.

    `retry_after` is in seconds, where the provider or the mapping gave one. `retry`: the same request may succeed
    later; false where it would fail again, so that clients do not retry. `provider_error` is the provider's own account
    of it; None: it gave none. `reason` is what the log says about it, where the caller is not meant to know.
    """

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
        provider_error: ProviderError | None = None,
        cause: Cause = "",
        reason: str = "",
    ) -> None:
        super().__init__(message, status=status, type=type, param=param, code=code)
        self.retry_after = retry_after
        self.retry = retry
        self.provider_error = provider_error
        self.cause: Cause = cause
        self.reason = reason

    @property
    def provider_status(self) -> int:
        """The status of the provider's HTTP error, or the one that its error names; 0: there was none."""
        return self.provider_error.status if self.provider_error is not None else 0

    @property
    def is_unsent(self) -> bool:
        """Whether the provider has not got the request."""
        return self.cause in UNSENT

    @property
    def may_send_again(self) -> bool:
        """Whether the provider is certainly not working on the request: it has not got it, or has refused it."""
        return self.provider_error is not None or self.cause not in ("broken", "silence", "answer")

    def redacted(self, redact: Callable[[str], str]) -> Self:
        made = super().redacted(redact)
        made.reason = redact(self.reason)
        made.provider_error = self.provider_error and self.provider_error.redacted(redact)
        return made


def answer_too_large(*, retry: bool = False) -> UpstreamError:
    """Return the error for an answer beyond a limit; the next answer to the same request is likely as large."""
    message = "The provider's answer is larger than this adapter's limits allow."
    return UpstreamError(message, retry=retry, cause="answer")


# --- request errors -------------------------------------------------------------------------------------------


def missing_parameter(param: str) -> RequestError:
    return RequestError(
        f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter"
    )


def unknown_parameter(param: str, hint: str = "") -> RequestError:
    return RequestError(
        f"Unknown parameter: '{param}'.{hint and ' ' + hint}", param=param, code="unknown_parameter"
    )


def unsupported_parameter(param: str, why: str) -> RequestError:
    """Return the error for a parameter that the Responses API has and this adapter does not support."""
    return RequestError(
        f"Unsupported parameter: '{param}' {why}", param=param, code="unsupported_parameter"
    )


def unsupported_value(param: str, value: str, why: str) -> RequestError:
    """Return the error for a value of a parameter that the Responses API has and this adapter does not support."""
    return RequestError(f"'{value}' in '{param}' {why}", param=param, code="unsupported_parameter")


def item_not_found(id: str, param: str | None, hint: str = "") -> RequestError:
    """Return the error for the id of an item that does not exist; `param` is the path at which it was named."""
    return RequestError(f"Item with id '{shorten(id)}' not found.{hint and ' ' + hint}", param=param, status=404)


def invalid_type(param: str, expected: str, got: str) -> RequestError:
    return RequestError(
        f"Invalid type for '{param}': expected {expected}, but got {got} instead.",
        param=param,
        code="invalid_type",
    )


def invalid_value(param: str, value: object, allowed: list[str] | tuple[str, ...]) -> RequestError:
    return RequestError(
        f"Invalid value: '{value}'. Supported values are: {quote_list(allowed)}.",
        param=param,
        code="invalid_value",
    )


def invalid_parameter(param: str, why: str) -> RequestError:
    """Return the error for a value that no other error describes; `why` is a clause without its full stop."""
    return RequestError(f"Invalid '{param}': {why}.", param=param, code="invalid_value")


def invalid_length(
    param: str, kind: str, above: bool, limit: int, got: int | None = None
) -> RequestError:
    """Return the error for a "string" or "array" that is longer (`above`) or shorter than its limit."""
    wrong, bound, side = ("long", "maximum", "above_max") if above else ("short", "minimum", "below_min")
    article = "an" if kind == "array" else "a"
    instead = "" if got is None else f", but got {article} {kind} with length {got} instead"
    return RequestError(
        f"Invalid '{param}': {kind} too {wrong}. Expected {article} {kind} with {bound} length {limit}{instead}.",
        param=param,
        code=f"{kind}_{side}_length",
    )


def too_large(param: str, limit: int) -> RequestError:
    """Return the error for a parameter of more than `limit` bytes of JSON."""
    return invalid_parameter(param, f"too large. Expected at most {limit} bytes of JSON")


def shorten(value: str) -> str:
    """Return a caller's value as an error message quotes it."""
    return value if len(value) <= _MAX_QUOTED_CHARACTERS else value[:_MAX_QUOTED_CHARACTERS] + "…"


def quote_list(values: list[str] | tuple[str, ...]) -> str:
    """Write values as OpenAI does: `'a' and 'b'`, `'a', 'b', and 'c'`."""
    quoted = [f"'{value}'" for value in values]
    if len(quoted) < 3:
        return " and ".join(quoted)
    return ", ".join(quoted[:-1]) + ", and " + quoted[-1]


def json_type_name(value: object) -> str:
    """Return the JSON type of a decoded value in the words of OpenAI's messages."""
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
