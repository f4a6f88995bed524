"""Why a call got no answer: the layers of exceptions of requests, urllib3 and the system → one `Cause` and its words.

What matters most is whether the provider may have the request: `find_cause` is for failures before it was written
whole, `find_cause_after_sending` for those after that. Source: docs/decisions/0034-retries.md.
"""

import re
import socket
import ssl
from collections.abc import Iterator
from http.client import BadStatusLine, HTTPException, RemoteDisconnected
from traceback import clear_frames
from typing import Final

import requests
from requests.exceptions import InvalidProxyURL, InvalidSchema, InvalidURL
from urllib3.exceptions import NameResolutionError, ProxyError

from translators.errors import Cause

_TUNNEL: Final = "Tunnel connection failed"
"""The beginning of what the standard library says of a CONNECT that a proxy refused."""
_OF_PROXIES: Final = (ProxyError, requests.exceptions.ProxyError, InvalidProxyURL)
_NO_TLS: Final = ("wrong version number", "record layer failure", "unknown protocol", "http request", "handshake")
"""What OpenSSL says, in lower case, when the other side does not speak TLS. Source: OpenSSL, ssl/ssl_err.c."""
_TLS_ALERT: Final = "\x15\x03"
"""The beginning of an alert, with which a TLS server answers plain HTTP. Source: RFC 8446 §5.1, §6."""
_IN_SOURCE: Final = re.compile(r"^_ssl\.c:[0-9]+: ")
"""With which Python's own words about TLS begin."""
_MAX_QUOTED_CHARS: Final = 40


def find_cause_after_sending(error: Exception) -> tuple[Cause, str]:
    """Return why the head of an answer could not be read, the request having been written, and the words for it."""
    match error:
        case BadStatusLine() if not isinstance(error, RemoteDisconnected) and not str(error).startswith("HTTP/"):
            return "not http", _describe(str(error))
        case ssl.SSLError() if "ALERT" in (error.reason or ""):
            return find_cause(error)  # the handshake was refused after all, as for want of a client certificate
        case RemoteDisconnected() | OSError():
            return "broken", getattr(error, "strerror", None) or str(error)
        case _:
            return "broken", "the head of the answer is not complete, or not valid"


def _describe(first: str) -> str:
    """Return what it means that an answer begins with these characters, which are not HTTP."""
    if first.startswith(_TLS_ALERT):
        return "the port speaks TLS; should the URL begin with https://?"
    return f"an answer that is not HTTP: {first[:_MAX_QUOTED_CHARS]!r}"


def find_cause(error: BaseException) -> tuple[Cause, str]:
    """Return why a request could not be sent, and the system's or OpenSSL's words for it."""
    chain = list(_layers(error))
    words = _words(chain)
    by_proxy = any(isinstance(one, _OF_PROXIES) or type(one).__module__ == "socks" for one in chain)
    if by_proxy or words.startswith(_TUNNEL):
        return "proxy", f"the proxy: {words}"
    if any(isinstance(one, (InvalidSchema, InvalidURL)) for one in chain):
        return "proxy", words
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in chain):
        return "certificate", words
    for one in chain:
        match one:
            case ssl.SSLError() | requests.exceptions.SSLError():
                return "tls", words + _tls_hint(words)
            case socket.gaierror() | NameResolutionError():
                return "name", words
            case ConnectionRefusedError():
                return "refused", words
            case HTTPException():
                return find_cause_after_sending(one)
    if any(isinstance(one, (TimeoutError, requests.ConnectTimeout)) for one in chain):
        return "connect timeout", words + _tls_hint(words)
    return "unreachable", words


def without_frames(error: BaseException) -> BaseException:
    """Return an error, the frames cleared that it and those before it have passed.

    Those of urllib3 refer to the request, and to the errors that refer to them: a cycle as large as the request.
    """
    at: BaseException | None = error
    while at is not None:
        clear_frames(at.__traceback__)
        at = at.__context__
    return error


def _tls_hint(words: str) -> str:
    known = any(one in words.lower() for one in _NO_TLS)
    return "; is there TLS at this port, or should the URL begin with http://?" if known else ""


def _words(chain: list[BaseException]) -> str:
    """Return the innermost message, without the layers around it."""
    for one in reversed(chain):
        if isinstance(one, ssl.SSLError) and (one.reason or one.strerror):
            verification = getattr(one, "verify_message", "")
            reason = one.reason.replace("_", " ").lower() if one.reason else f"{one.strerror}"
            return verification or reason
        if isinstance(one, OSError) and one.strerror and not isinstance(one, requests.RequestException):
            return str(one.strerror)
    return _IN_SOURCE.sub("", str(chain[-1])) or type(chain[-1]).__name__


def _layers(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those that it wraps, the outermost first."""
    seen: set[int] = set()
    inner: BaseException | None = error
    while inner is not None and id(inner) not in seen:
        seen.add(id(inner))
        yield inner
        wrapped = [getattr(inner, "reason", None), getattr(inner, "original_error", None), *inner.args]
        found = next((one for one in wrapped if isinstance(one, BaseException)), None)
        inner = found or inner.__cause__ or inner.__context__
