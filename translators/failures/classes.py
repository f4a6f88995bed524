"""The provider's failures, in whatever body or chunk they come, as UpstreamError.

What an error is, is decided by the first row of `_CLASSES` that knows it, the same for an HTTP answer and for an error
inside a 200: by its code where that is one that clients act on, else by its words, because providers agree on neither
codes nor statuses. What no row knows is what its status says. Statuses and codes: responses-api reference §6.5; what
the bodies look like: `error_bodies.py`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from translators.errors import UpstreamError
from translators.failures import words as words
from translators.failures.bodies import Said, read_error, read_error_body
from translators.failures.params import our_param, param_in
from translators.failures.retry_after import told_wait

DEFAULT_RETRY_AFTER: Final = 1.0
"""Seconds; Codex gives up at once on a 429 that has no Retry-After."""


_REFUSALS: Final = frozenset({0, 400, 403, 413, 422, 451, 500})
"""Statuses of refusals whose words tell more than they; 0 for none."""


def from_http(status: int, headers: Mapping[str, str], body: bytes, *, own_key: bool) -> UpstreamError:
    """Return the error for an HTTP answer that is not 2xx.

    `own_key`: the adapter called with its own key, so a 401 or 403 is the operator's problem, not the caller's.
    """
    said = read_error_body(body)
    message = said.message or f"The provider answered with status {status}."
    error = _Failure(said, status, message, headers, own_key).mapped()
    error.provider_status, error.body = status, body
    return error


def from_error(error: Any) -> UpstreamError:
    """Return the error that stands in a chunk, or in a completion with status 200; `error` is its decoded value."""
    said = read_error(error)
    message = said.message or "The provider reported an error without saying what it is."
    status = 500 if said.status == 502 else said.status  # of a gateway: the failure of a provider behind it
    return _Failure(said, status, message, {}, own_key=True).mapped()


class _Failure:
    """One failure on its way to the class it is of. `status` is 0 where none was told."""

    def __init__(self, said: Said, status: int, message: str, headers: Mapping[str, str], own_key: bool) -> None:
        self.said = said
        self.status = status
        self.message = message
        self.own_key = own_key
        lowered = {name.lower(): told for name, told in headers.items()}
        self.wait = told_wait({**said.headers, **lowered}, message, said.retry_after)

    def mapped(self) -> UpstreamError:
        for knows, become in _CLASSES:
            if knows(self):
                return become(self)
        return self.by_status()

    def says(self, pattern: re.Pattern[str]) -> bool:
        return pattern.search(self.said.words) is not None

    def names(self, pattern: re.Pattern[str]) -> bool:
        """Tell whether its code or type says so: its message may quote the caller."""
        return pattern.search(f"{self.said.code} {self.said.type}") is not None

    # --- what it may be ---------------------------------------------------------------------------------------

    def is_overflow(self) -> bool:
        if self.said.code == "context_length_exceeded":
            return True
        if self.status not in _REFUSALS or self.says(words.ROOM) or self.names(words.RATE):
            return False
        return self.says(words.CONTEXT) and not self.never_fits()

    def never_fits(self) -> bool:
        return self.says(words.TOO_MUCH_AT_ONCE) and self.says(words.RATE)

    def is_about_money(self) -> bool:
        """Tell whether it is about money; a limit that passes by itself is not, although it may speak of billing."""
        if self.status == 402 or self.said.code == "insufficient_quota":
            return True
        passes = self.wait is not None or self.names(words.RATE)
        return self.status in (0, 400, 403, 429) and not passes and self.says(words.QUOTA)

    def is_rate_limit(self) -> bool:
        if self.status in (0, 413, 500):
            return self.says(words.RATE)
        return self.status == 429 or (self.status in (400, 403) and self.names(words.RATE))

    def is_content_refusal(self) -> bool:
        return self.status in _REFUSALS and self.says(words.CONTENT)

    def is_about_no_model(self) -> bool:
        return self.status in (0, 400, 403, 404, 410, 422) and self.says(words.NO_MODEL)

    def is_about_a_key(self) -> bool:
        return self.status in (401, 403) or (self.status in (0, 400) and self.says(words.KEY))

    def is_no_route(self) -> bool:
        """Tell whether the URL is wrong: the operator's, for the caller has none."""
        said = self.said
        if 300 <= self.status < 400:
            return True
        return self.status in (404, 405) and (said.is_page or words.NO_ROUTE.search(said.message) is not None)

    def is_overload(self) -> bool:
        return self.status in (502, 503, 529) or (self.status in (0, 500) and self.says(words.OVERLOADED))

    # --- what it becomes --------------------------------------------------------------------------------------

    def overflow(self) -> UpstreamError:
        return context_length_exceeded()

    def quota(self) -> UpstreamError:
        return UpstreamError(
            self.message, status=429, type="insufficient_quota", code="insufficient_quota",
            retry_after=self.wait or DEFAULT_RETRY_AFTER, retry=False,
        )  # fmt: skip

    def rate_limit(self) -> UpstreamError:
        kind = self.said.type if self.said.type in ("tokens", "requests") else "rate_limit_error"
        message = self.message
        if self.wait is not None and "try again in" not in message:
            message = f"{message.rstrip(' .')}. Please try again in {self.wait:.10g}s."  # where Codex looks for it
        return UpstreamError(
            message, status=429, type=kind, code="rate_limit_exceeded",
            retry_after=self.wait or DEFAULT_RETRY_AFTER, retry=not self.never_fits(),
        )  # fmt: skip

    def content_refusal(self) -> UpstreamError:
        return self.refused("content_filter", our_param(self.said.param) or "input")

    def no_model(self) -> UpstreamError:
        return self.refused("model_not_found", "model")

    def no_key(self) -> UpstreamError:
        if self.own_key:
            return UpstreamError(
                "The provider refused this adapter's key. The operator has to mend that.", retry=False
            )
        return self.refused(self.said.code or "invalid_api_key", None, status=403 if self.status == 403 else 401)

    def no_route(self) -> UpstreamError:
        return UpstreamError(
            f"The provider has nothing at this address (status {self.status}). The operator has to mend its URL.",
            status=502, retry=False,
        )  # fmt: skip

    def overload(self) -> UpstreamError:
        return UpstreamError(
            self.message, status=503, code="server_is_overloaded", retry_after=self.wait or DEFAULT_RETRY_AFTER
        )

    def no_feature(self) -> UpstreamError:
        param = "tool_choice" if "tool_choice" in self.message else "tools" if "tool" in self.message else None
        return self.refused("unsupported_parameter", param)

    def mismade(self) -> UpstreamError:
        return UpstreamError(self.message, status=502, retry=False)

    def refused(self, code: str | None, param: str | None, status: int = 400) -> UpstreamError:
        return UpstreamError(self.message, status=status, type="invalid_request_error", code=code, param=param)

    def by_status(self) -> UpstreamError:
        status = self.status
        if status == 404:
            return self.no_model()
        if status in (408, 504):
            return UpstreamError("The provider timed out: " + self.message)
        if not 400 <= status < 500:
            return UpstreamError(self.message)
        param = self.said.param or param_in(self.message)
        code = self.said.code
        if code is None and param and words.UNSUPPORTED.search(self.said.words):
            code = "unsupported_parameter"
        return self.refused(code, our_param(param), status=413 if status == 413 else 400)


_CLASSES: Final[tuple[tuple[Callable[[_Failure], bool], Callable[[_Failure], UpstreamError]], ...]] = (
    (_Failure.is_overflow, _Failure.overflow),
    (_Failure.is_about_money, _Failure.quota),
    (_Failure.is_rate_limit, _Failure.rate_limit),
    (lambda failure: failure.says(words.MISMADE), _Failure.mismade),
    (_Failure.is_content_refusal, _Failure.content_refusal),
    (_Failure.is_about_no_model, _Failure.no_model),
    (_Failure.is_about_a_key, _Failure.no_key),
    (_Failure.is_no_route, _Failure.no_route),
    (lambda failure: failure.status == 404 and failure.says(words.NO_FEATURE), _Failure.no_feature),
    (_Failure.is_overload, _Failure.overload),
)
"""What knows a failure and what becomes of it; the first one that knows it decides."""


def context_length_exceeded() -> UpstreamError:
    return UpstreamError(
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
        status=400,
        type="invalid_request_error",
        param="input",
        code="context_length_exceeded",
    )
