"""Classify the provider's failures, in whatever body or chunk they come, as an UpstreamError.

The first row of `_CLASSES` that recognizes a failure decides, the same for an HTTP answer and for an error inside a
200. A failure is recognized by its code, if that is one that clients act on, else by its words, because providers agree
neither on codes nor on statuses. A failure that no row recognizes is mapped by its status.
Source: OpenAI API reference, Error codes. The wordings: `words.py`; the shapes of bodies: `bodies.py`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from translators.errors import Cause, ProviderError, UpstreamError
from translators.failures import words
from translators.failures.bodies import read_error, read_error_body
from translators.failures.params import find_param, responses_param
from translators.failures.retry_after import retry_delay

DEFAULT_RETRY_AFTER: Final = 1.0
"""Seconds. Every 429 gets a Retry-After, since Codex gives up at once without one. Source: Codex CLI 0.169."""

_AMBIGUOUS_STATUSES: Final = frozenset({0, 400, 403, 413, 422, 451, 500})
"""Statuses (0: none) with which providers report a too long input or a blocked content; only the words tell which."""
_OUT_OF_QUOTA_STATUSES: Final = frozenset({0, 400, 401, 403, 429, 500, 503})
"""Beside 402; gateways have their own (New API 403, its forks 500)."""


def classify_http_error(status: int, headers: Mapping[str, str], body: bytes, *, own_key: bool) -> UpstreamError:
    """Return the error for an HTTP answer that is not 2xx.

    `own_key`: the adapter called with its own key, so a 401 or 403 is the operator's problem, not the caller's.
    """
    error = replace(read_error_body(body), status=status)
    if not error.message:
        error = replace(error, message=f"The provider answered with status {status}.")
    return _attribute(_Failure(error, headers, own_key=own_key).classify(), error, "status")


def classify_error_object(value: Any) -> UpstreamError:
    """Return the error for a decoded error object in a chunk, or in a completion with status 200."""
    given = error = read_error(value)
    if error.status == 502:
        error = replace(error, status=500)  # from a gateway: its provider failed
    if not error.message:
        error = replace(error, message="The provider reported an error without saying what it is.")
    return _attribute(_Failure(error, {}, own_key=True).classify(), given, "answer")


def _attribute(error: UpstreamError, given: ProviderError, cause: Cause) -> UpstreamError:
    """Return an error with the provider's own account of it, and where that came from."""
    error.provider_error, error.cause = given, cause
    return error


class _Failure:
    """One failure to be classified. `status`: 0 for an error object that names none."""

    def __init__(self, error: ProviderError, headers: Mapping[str, str], *, own_key: bool) -> None:
        self.error = error
        self.status = error.status
        self.message = error.message
        self.own_key = own_key
        lowered = {name.lower(): content for name, content in headers.items()}
        self.delay = retry_delay({**error.headers, **lowered}, error.message, error.retry_after)
        """Seconds until a retry; None: not stated."""

    def classify(self) -> UpstreamError:
        for recognizes, make_error in _CLASSES:
            if recognizes(self):
                return make_error(self)
        return self.by_status()

    def says(self, wordings: words.Wordings) -> bool:
        return wordings.search(self.error.words) is not None

    def is_labelled(self, wordings: words.Wordings) -> bool:
        return wordings.search(self.error.label) is not None

    # --- recognize ----------------------------------------------------------------------------------------------------

    def is_overflow(self) -> bool:
        if self.error.code == "context_length_exceeded":
            return True
        if self.status not in _AMBIGUOUS_STATUSES or self.says(words.OUTPUT_LIMIT) or self.is_labelled(words.RATE):
            return False
        return self.says(words.CONTEXT) and not self.never_fits()

    def never_fits(self) -> bool:
        return self.says(words.ABOVE_RATE) and self.says(words.RATE)

    def is_out_of_quota(self) -> bool:
        """Return whether money or an allowance has run out; a limit that ends by itself may name billing, too."""
        if self.status == 402 or self.error.code == "insufficient_quota":
            return True
        temporary = self.delay is not None or self.is_labelled(words.RATE)
        return self.status in _OUT_OF_QUOTA_STATUSES and not temporary and self.says(words.QUOTA)

    def is_rate_limit(self) -> bool:
        if self.status in (0, 413, 500):
            return self.says(words.RATE)
        return self.status == 429 or (
            self.status in (400, 403) and (self.is_labelled(words.RATE) or self.says(words.TOO_FAST))
        )

    def is_content_filter(self) -> bool:
        return self.status in _AMBIGUOUS_STATUSES and self.says(words.CONTENT)

    def is_unknown_model(self) -> bool:
        return self.status in (0, 400, 403, 404, 410, 422) and self.says(words.UNKNOWN_MODEL)

    def is_authentication(self) -> bool:
        return self.status in (401, 403) or (self.status in (0, 400) and self.says(words.INVALID_KEY))

    def is_wrong_url(self) -> bool:
        """Return whether the configured URL is wrong, which is the operator's mistake."""
        error = self.error
        if 300 <= self.status < 400 or (self.status == 400 and self.is_plain_http()):
            return True
        return self.status in (404, 405) and (error.is_page or words.WRONG_URL.search(error.message) is not None)

    def is_plain_http(self) -> bool:
        return words.PLAIN_HTTP.search(f"{self.error.message} {self.error.details}") is not None

    def is_overload(self) -> bool:
        return self.status in (502, 503, 529) or (self.status in (0, 500) and self.says(words.OVERLOADED))

    # --- make the error -----------------------------------------------------------------------------------------------

    def overflow(self) -> UpstreamError:
        return context_length_exceeded()

    def out_of_quota(self) -> UpstreamError:
        return UpstreamError(
            self.message, status=429, type="insufficient_quota", code="insufficient_quota",
            retry_after=self.delay or DEFAULT_RETRY_AFTER, retry=False,
        )  # fmt: skip

    def rate_limit(self) -> UpstreamError:
        kind = self.error.type if self.error.type in ("tokens", "requests") else "rate_limit_error"
        message = self.message
        if self.delay is not None and "try again in" not in message:
            # Codex reads the delay from the message. Source: Codex CLI 0.169.
            message = f"{message.rstrip(' .')}. Please try again in {self.delay:.10g}s."
        return UpstreamError(
            message, status=429, type=kind, code="rate_limit_exceeded",
            retry_after=self.delay or DEFAULT_RETRY_AFTER, retry=not self.never_fits(),
        )  # fmt: skip

    def content_filter(self) -> UpstreamError:
        return self.rejected("content_filter", responses_param(self.error.param) or "input")

    def unknown_model(self) -> UpstreamError:
        return self.rejected("model_not_found", "model")

    def invalid_key(self) -> UpstreamError:
        if self.own_key:
            return UpstreamError(
                "The provider rejected this adapter's API key. Ask the operator of this server to fix it.",
                retry=False,
            )  # fmt: skip
        return self.rejected(self.error.code or "invalid_api_key", None, status=403 if self.status == 403 else 401)

    def wrong_url(self) -> UpstreamError:
        hint = " It must begin with https://." if self.is_plain_http() else ""
        if words.NOT_CHAT.search(self.message):
            hint = " It leads to this adapter itself, or to another one: neither serves chat completions."
        return UpstreamError(
            f"The provider's URL is wrong (status {self.status}).{hint} Ask the operator of this server to fix it.",
            status=502, retry=False,
        )  # fmt: skip

    def refused_by_proxy(self) -> UpstreamError:
        return UpstreamError(
            "The proxy on the way to the provider wants credentials. Ask the operator of this server to fix it.",
            status=502, retry=False,
        )  # fmt: skip

    def overload(self) -> UpstreamError:
        return UpstreamError(
            self.message, status=503, code="server_is_overloaded", retry_after=self.delay or DEFAULT_RETRY_AFTER,
        )  # fmt: skip

    def unsupported(self) -> UpstreamError:
        param = "tool_choice" if "tool_choice" in self.message else "tools" if "tool" in self.message else None
        return self.rejected("unsupported_parameter", param)

    def unsupported_media(self) -> UpstreamError:
        return self.rejected("unsupported_parameter", "input")

    def invalid_output(self) -> UpstreamError:
        return UpstreamError(self.message, status=502, retry=False)

    def rejected(self, code: str | None, param: str | None, status: int = 400) -> UpstreamError:
        return UpstreamError(
            self.message, status=status, type="invalid_request_error", code=code, param=param,
        )  # fmt: skip

    def by_status(self) -> UpstreamError:
        status = self.status
        if status == 404:
            return self.unknown_model()
        if status in (408, 504):
            return UpstreamError("The provider timed out: " + self.message)
        if not 400 <= status < 500 or status == 421:  # misdirected: the connection is wrong, not the request
            return UpstreamError(self.message)
        param = self.error.param or find_param(self.message)
        code = self.error.code
        if code is None and param and words.UNSUPPORTED_PARAM.search(self.error.words):
            code = "unsupported_parameter"
        return self.rejected(code, responses_param(param), status=413 if status == 413 else 400)


_CLASSES: Final[tuple[tuple[Callable[[_Failure], bool], Callable[[_Failure], UpstreamError]], ...]] = (
    (_Failure.is_overflow, _Failure.overflow),
    (_Failure.is_out_of_quota, _Failure.out_of_quota),
    (_Failure.is_rate_limit, _Failure.rate_limit),
    (lambda failure: failure.says(words.INVALID_OUTPUT), _Failure.invalid_output),
    (_Failure.is_content_filter, _Failure.content_filter),
    (_Failure.is_unknown_model, _Failure.unknown_model),
    (_Failure.is_authentication, _Failure.invalid_key),
    (lambda failure: failure.status == 407, _Failure.refused_by_proxy),
    (_Failure.is_wrong_url, _Failure.wrong_url),
    (lambda failure: failure.status == 404 and failure.says(words.UNSUPPORTED_FEATURE), _Failure.unsupported),
    (lambda failure: failure.status == 500 and failure.says(words.UNSUPPORTED_MEDIA), _Failure.unsupported_media),
    (_Failure.is_overload, _Failure.overload),
)
"""What recognizes a failure, and the error made from it; the first that recognizes it decides."""


def context_length_exceeded() -> UpstreamError:
    return UpstreamError(
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
        status=400,
        type="invalid_request_error",
        param="input",
        code="context_length_exceeded",
    )
