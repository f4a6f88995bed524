"""The HTTP client of the probes: one provider, small calls, every wait limited."""

import re
import time
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import requests
import urllib3

from adapter.settings.settings import Settings
from adapter.settings.upstreams import DEFAULT, UpstreamSettings
from adapter.upstream.client import USER_AGENT
from adapter.upstream.http.causes import find_cause
from adapter.upstream.http.ways import connection_options
from translators.dialects.rejections import read_rejection
from translators.errors import UpstreamError
from translators.failures.classes import classify_http_error

_MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
"""Room for the longest lists of models, which gateways have."""
_UNKNOWN_AUTHORITY: Final = re.compile("self-signed certificate|unable to get (local )?issuer certificate")
"""What OpenSSL says of a certificate whose authority is not trusted. Source: OpenSSL, crypto/x509/x509_txt.c."""
_REFUSALS: Final = frozenset({400, 404, 413, 415, 422})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_OF_PROXIES: Final = frozenset({502, 503, 504})
_MAX_DETAIL_CHARS: Final = 200
"""Shown of a provider's message, so that a result stays one line."""


class HTTPAnswer(NamedTuple):
    """One HTTP answer, its body read."""

    status: int
    headers: Any
    body: bytes
    reads: int
    """Reads that brought the body. A stream that comes in one read was buffered on its way."""
    first_read: float
    """Seconds until the first read."""

    @property
    def message(self) -> str:
        """The message of an error: the provider's own, since this one is meant for callers."""
        error = self._error()
        said = error.provider_error.message if error.provider_error is not None else ""
        return (said or error.message).strip()[:_MAX_DETAIL_CHARS]

    @property
    def code(self) -> str | None:
        """The code that callers would get of an error."""
        return self._error().code

    @property
    def rejects(self) -> bool:
        """Whether it refuses the request for what it contains: by its status, or at 500 by its words."""
        rejection = read_rejection(self._error())
        return self.status in _REFUSALS or (rejection is not None and rejection.may_teach)

    def _error(self) -> UpstreamError:
        return classify_http_error(self.status, self.headers, self.body, own_key=False)


def read_as_it_arrives(response: requests.Response) -> Iterator[bytes]:
    """Yield the parts of a body. `iter_content` would wait for the end of one that is not chunked."""
    if response.raw.chunked:
        yield from response.iter_content(None)
        return
    try:
        while part := response.raw.read1(decode_content=True):
            yield part
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(error) from error


class CallFailed(Exception):
    """This call got no answer; another one may."""


class ProviderUnusable(Exception):
    """No further call can succeed."""


class ProbeClient:
    """Calls one upstream, first with the first of its keys."""

    def __init__(self, settings: Settings, upstream: UpstreamSettings) -> None:
        self._upstream = upstream
        self._key_advice, self._ca_setting = "set ADAPTER_UPSTREAM_API_KEY", "ADAPTER_UPSTREAM_CA_FILE"
        if upstream.name != DEFAULT:
            self._key_advice = f"set upstreams.{upstream.name}.key in {settings.config}"
            self._ca_setting = f"upstreams.{upstream.name}.ca in {settings.config}"
            if upstream.callers_key:
                self._key_advice = "this upstream uses the callers' keys, and a check has none"
        self._session = requests.Session()
        self._options = connection_options(upstream)
        self._session.headers["User-Agent"] = USER_AGENT
        self._session.headers.update({name: header.value for name, header in upstream.headers.items()})
        if upstream.keys:
            self.use_key(0)

    def use_key(self, index: int) -> None:
        self._session.headers["Authorization"] = f"Bearer {self._upstream.keys[index].value}"

    def _unreachable(self, reason: str) -> ProviderUnusable:
        end = "" if reason.endswith((".", "?")) else "."
        if _UNKNOWN_AUTHORITY.search(reason):
            end = f". Name a file with the certificate of its authority: {self._ca_setting}."
        return ProviderUnusable(f"cannot reach {self._upstream.url}: {reason}{end}")

    def call(self, method: str, path: str, body: bytes | None = None) -> HTTPAnswer:
        """Return the answer to one call; raise CallFailed or ProviderUnusable."""
        limit = self._upstream.timeout
        try:
            answer = self._send(method, path, body)
        except requests.ConnectTimeout:
            raise ProviderUnusable(
                f"cannot reach {self._upstream.url} within {self._upstream.connect_timeout:g} s."
            ) from None
        except requests.Timeout as error:
            reason = find_cause(error)[1]
            if "handshake" in reason:
                raise self._unreachable(reason) from None
            raise CallFailed(f"no answer within {limit:g} s.") from None
        except requests.ConnectionError as error:
            raise self._unreachable(find_cause(error)[1]) from None
        except requests.RequestException as error:
            raise CallFailed(f"the answer is not valid HTTP: {error}.") from None
        if answer.status in (401, 403):
            raise ProviderUnusable(f"{answer.status}, no or a wrong key: {self._key_advice}. {answer.message}")
        if answer.status in _REDIRECTS:
            raise ProviderUnusable(f"{answer.status}, {self._describe_redirect(path, answer)}")
        if answer.body.lstrip()[:1] == b"<" and answer.status in _OF_PROXIES:
            raise ProviderUnusable(
                f"{answer.status}, a web page instead of JSON: a proxy before the provider cannot reach it."
            )
        if answer.body.lstrip()[:1] == b"<":
            raise ProviderUnusable(
                f"{answer.status}, a web page instead of JSON: is the base URL right? It often ends in /v1."
            )
        return answer

    def _describe_redirect(self, path: str, answer: HTTPAnswer) -> str:
        """Return where an answer leads, as a base URL if it is one: neither a server nor a check goes there."""
        to = answer.headers.get("location", "")
        base = to.partition("?")[0].removesuffix(path)
        if base != to and base.startswith(("http://", "https://")):
            return f"a redirect, which is not followed: is {base} the base URL?"
        return f"a redirect to {to or 'nowhere'}, which is not followed: is the base URL right?"

    def _send(self, method: str, path: str, body: bytes | None) -> HTTPAnswer:
        limit = self._upstream.timeout
        start = time.monotonic()
        with self._session.request(
            method,
            self._upstream.endpoint(path),
            data=body,
            headers={"Content-Type": "application/json"},
            timeout=(self._upstream.connect_timeout, limit),
            stream=True,
            allow_redirects=False,
            **self._options,
        ) as response:
            first_read, parts, size = 0.0, [], 0
            for part in read_as_it_arrives(response):
                first_read = first_read or time.monotonic() - start
                parts.append(part)
                size += len(part)
                if time.monotonic() - start > limit or size > _MAX_ANSWER_BYTES:
                    raise CallFailed("the answer does not end.")
        return HTTPAnswer(response.status_code, response.headers, b"".join(parts), len(parts), first_read)
