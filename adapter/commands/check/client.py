"""The HTTP client of the probes: one provider, small calls, every wait limited."""

import dataclasses
import queue
import re
import threading
import time
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import requests
import urllib3

from adapter.commands.check.advice import describe_page, describe_redirect, has_version, tell_key
from adapter.settings.settings import Settings
from adapter.settings.upstreams import DEFAULT, UpstreamSettings
from adapter.upstream.client import USER_AGENT
from adapter.upstream.http.causes import find_cause
from adapter.upstream.http.ways import connection_options
from translators.dialects.rejections import Rejection, read_rejection
from translators.errors import Cause, UpstreamError
from translators.failures.classes import classify_http_error
from translators.to_responses.models.model_list import read_model_list

_MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
"""Room for the longest lists of models, which gateways have."""
_UNKNOWN_AUTHORITY: Final = re.compile("self-signed certificate|unable to get (local )?issuer certificate")
"""What OpenSSL says of a certificate whose authority is not trusted. Source: OpenSSL, crypto/x509/x509_txt.c."""
_REFUSALS: Final = frozenset({400, 404, 413, 415, 422})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_ABOUT_KEYS: Final = frozenset({401, 403})
_ELSEWHERE: Final = frozenset({200, 404, 405})
"""Statuses of a web page that stands where a base URL leads to something else."""
_MAX_DETAIL_CHARS: Final = 200
"""Shown of a provider's message, so that a result stays one line."""
_OTHER_BASES: Final = ("/v1", "/api/v1", "/openai/v1", "/api", "")
"""Paths of base URLs, the likeliest first."""
_OTHER_BASE_SECONDS: Final = 5.0
"""For each of them."""


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
        error = self.error
        said = error.provider_error.message if error.provider_error is not None else ""
        return " ".join((said or error.message).split())[:_MAX_DETAIL_CHARS]

    @property
    def rejection(self) -> Rejection | None:
        """The rejection of the request for what it contains; None: there is none."""
        rejection = None if self.status == 200 else read_rejection(self.error)
        return rejection if rejection is not None and rejection.may_teach else None

    @property
    def rejects(self) -> bool:
        """Whether it refuses the request for what it contains: by its status, or at 500 by its words."""
        return self.status in _REFUSALS or self.rejection is not None

    @property
    def is_page(self) -> bool:
        """Whether it is a web page."""
        return self.body.lstrip().removeprefix(BOM_UTF8).lstrip()[:1] == b"<"

    @property
    def error(self) -> UpstreamError:
        """The error that callers would get."""
        return classify_http_error(self.status, self.headers, self.body, own_key=False)


def read_as_it_arrives(response: requests.Response) -> Iterator[bytes]:
    """Yield the parts of a body. `iter_content` would wait for the end of one that is not chunked."""
    if response.raw.chunked:
        yield from response.iter_content(None)
        return
    try:
        while part := response.raw.read1(decode_content=True):
            yield part
        if response.raw.length_remaining:
            raise requests.exceptions.ChunkedEncodingError("The body is shorter than its head says.")
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.ReadTimeout(error) from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from error


class CallFailed(Exception):
    """This call failed; another one may not."""


class NoAnswer(CallFailed):
    """This call got no answer in time."""


class ProviderUnusable(Exception):
    """No further call can succeed."""


class KeyRefused(ProviderUnusable):
    """The provider wants a key, or another one."""


class NotTheAPI(ProviderUnusable):
    """Something else is at the base URL."""


class ProbeClient:
    """Calls one upstream, first with the first of its keys."""

    def __init__(self, settings: Settings, upstream: UpstreamSettings) -> None:
        self._upstream = upstream
        self._ca_setting = "ADAPTER_UPSTREAM_CA_FILE"
        if upstream.name != DEFAULT:
            self._ca_setting = f"upstreams.{upstream.name}.ca in {settings.config}"
        self._config = settings.config
        self._key = 0
        self._session = requests.Session()
        self._options = connection_options(upstream)
        self._session.headers["User-Agent"] = USER_AGENT
        self._session.headers.update({name: header.value for name, header in upstream.headers.items()})
        if upstream.keys:
            self.use_key(0)

    def use_key(self, index: int) -> None:
        self._key = index
        self._session.headers["Authorization"] = f"Bearer {self._upstream.keys[index].value}"

    def call(self, method: str, path: str, body: bytes | None = None) -> HTTPAnswer:
        """Return the answer to one call; raise CallFailed or ProviderUnusable."""
        answer = self._reach(method, path, body)
        if answer.is_page:
            what = describe_page(answer.status, answer.message, self._upstream.url)
            raise NotTheAPI(what) if answer.status in _ELSEWHERE else ProviderUnusable(what)
        if answer.status in _REDIRECTS:
            to = answer.headers.get("location", "")
            raise ProviderUnusable(f"{answer.status}, {describe_redirect(path, to)}")
        if answer.status != 200 and answer.error.status in _ABOUT_KEYS:
            advice = tell_key(answer.status, self._upstream, self._key, self._config)
            raise KeyRefused(f"{advice} {answer.message}")
        return answer

    def find_base(self) -> str | None:
        """Return another base URL of the same host at which the API seems to be; None: there is none."""
        url = self._upstream.url
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        longer = [] if has_version(url) else [f"{url}/v1"]
        for base in dict.fromkeys([*longer, *(origin + path for path in _OTHER_BASES)]):
            if base == url:
                continue
            try:
                answer = self._within(_OTHER_BASE_SECONDS, partial(self._send, "GET", "/models", None, base))
                if not answer.is_page and (answer.status == 401 or read_model_list(answer.body)):
                    return base
            except UpstreamError:
                continue
            except (CallFailed, requests.RequestException, urllib3.exceptions.HTTPError):
                return None
        return None

    def fetch_beside(self, path: str) -> bytes | None:
        """Return what a server has at a path beside `/v1`, of an API of its own; None: nothing."""
        base = self._upstream.url.removesuffix("/v1")
        try:
            answer = self._within(_OTHER_BASE_SECONDS, partial(self._send, "GET", path, None, base))
        except (CallFailed, requests.RequestException, urllib3.exceptions.HTTPError):
            return None
        return answer.body if answer.status == 200 else None

    def _reach(self, method: str, path: str, body: bytes | None) -> HTTPAnswer:
        """Return the answer, whatever it is; raise NoAnswer, CallFailed or ProviderUnusable."""
        limit, connecting = self._upstream.timeout, self._upstream.connect_timeout
        try:
            return self._within(limit + connecting, partial(self._send, method, path, body, self._upstream.url))
        except requests.ConnectTimeout:
            raise ProviderUnusable(f"cannot reach {self._upstream.url} within {connecting:g} s.") from None
        except requests.Timeout as error:
            cause, reason = find_cause(error)
            if "handshake" in reason:
                raise self._unreachable(cause, reason) from None
            raise NoAnswer(f"no answer within {limit:g} s.") from None
        except requests.exceptions.ChunkedEncodingError:
            raise CallFailed("the connection was closed in the middle of the answer.") from None
        except requests.ConnectionError as error:
            raise self._unreachable(*find_cause(error)) from None
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise CallFailed(f"the answer is not valid HTTP: {error}.") from None

    def _unreachable(self, cause: Cause, reason: str) -> ProviderUnusable:
        url = self._upstream.url
        words = f"cannot reach {url}: {reason}{'' if reason.endswith(('.', '?')) else '.'}"
        match cause:
            case "broken":
                words = f"{url} closed the connection without an answer."
            case "refused":
                words += " Is the provider running there?"
            case "name":
                words += " Is the name of the host right?"
            case "certificate" if _UNKNOWN_AUTHORITY.search(reason):
                words = f"{words[:-1]}. Name a file with the certificate of its authority: {self._ca_setting}."
        if cause in ("broken", "unreachable") and url.startswith("http:"):
            words += " Does this port speak TLS, so that the URL should begin with https://?"
        return ProviderUnusable(words)

    def _within(self, seconds: float, send: Callable[[], HTTPAnswer]) -> HTTPAnswer:
        """Return what `send` returns; raise NoAnswer if it takes longer.

        `requests` limits each wait for bytes of an answer's head, and not how many there are.
        """
        done: queue.SimpleQueue[tuple[HTTPAnswer | None, Exception | None]] = queue.SimpleQueue()

        def run() -> None:
            try:
                done.put((send(), None))
            except Exception as error:
                done.put((None, error))

        threading.Thread(target=run, daemon=True).start()
        try:
            answer, error = done.get(timeout=seconds)
        except queue.Empty:
            raise NoAnswer(f"no whole answer within {seconds:g} s.") from None
        if answer is None:
            assert error is not None
            raise error
        return answer

    def _send(self, method: str, path: str, body: bytes | None, base: str) -> HTTPAnswer:
        limit = self._upstream.timeout
        start = time.monotonic()
        with self._session.request(
            method,
            dataclasses.replace(self._upstream, url=base).endpoint(path),
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
                if size > _MAX_ANSWER_BYTES:
                    raise CallFailed(f"the answer is larger than {_MAX_ANSWER_BYTES >> 20} MiB.")
                if time.monotonic() - start > limit:
                    raise NoAnswer(f"the answer does not end within {limit:g} s.")
        return HTTPAnswer(response.status_code, response.headers, b"".join(parts), len(parts), first_read)
