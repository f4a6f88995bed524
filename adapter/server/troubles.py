"""What is not in order when a server starts, and what to do about it: a short list for whoever starts it.

Settings that cannot work prevent the start (`settings/checks.py`, `server.py`), and a worker logs what is wrong with
the store. Here is what may be right in a minute, or what some intend: a provider that cannot be reached, a missing key,
few open files. Nothing is sent to anyone; the hosts are only connected to.

The socket is used directly, since no module that imports `ssl` may be imported here (see `server.py`).
"""

import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from adapter.settings.checks import url_source
from adapter.settings.settings import Settings

FILES: Final = 8192
"""Open files of a worker: two for each of as many streams as it takes, and some more."""
_SECONDS: Final = 2.0
"""For the hosts together."""
_PORTS: Final = {"http": 80, "https": 443}
_PROXIES: Final = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


def find_troubles(settings: Settings) -> list[str]:
    """Return what is not in order: sentences, of which the last one says what to do."""
    return [
        *_unreachable_hosts(settings), *_unlikely_bases(settings), *_missing_keys(settings), *_few_files()
    ]  # fmt: skip


def raise_file_limit() -> None:
    """Let this process and its workers open as many files as they may need, if the system lets them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _unreachable_hosts(settings: Settings) -> Iterator[str]:
    if any(os.environ.get(name) for name in _PROXIES):
        return  # they are reached through it
    deadline = time.monotonic() + _SECONDS
    for one in settings.all_upstreams():
        if reason := _try_to_connect(one.url, deadline):
            yield f"{one.url} {reason}. Start the provider, or correct {url_source(settings, one)}."


def _try_to_connect(url: str, deadline: float) -> str:
    """Return why the host of a URL cannot be reached; "": it can, or the time for it is over."""
    parts, left = urlsplit(url), deadline - time.monotonic()
    if left <= 0:
        return ""
    try:
        socket.create_connection((parts.hostname or "", parts.port or _PORTS[parts.scheme]), left).close()
    except TimeoutError:
        return f"does not answer within {_SECONDS:g} seconds"
    except socket.gaierror:
        return "cannot be reached: its name is not known"
    except OSError as error:
        return f"cannot be reached: {(error.strerror or str(error)).lower()}"
    return ""


def _unlikely_bases(settings: Settings) -> Iterator[str]:
    """Servers of models on one's own machines have `/v1` in their base URL; some services do without."""
    for one in settings.all_upstreams():
        if one.url.startswith("http:") and not urlsplit(one.url).path.strip("/"):
            source = url_source(settings, one)
            yield f"{one.url} has no path, but most base URLs end in /v1. Correct {source}, if need be."


def _missing_keys(settings: Settings) -> Iterator[str]:
    for one in settings.all_upstreams():
        has_credentials = one.keys or one.callers_key or one.headers or one.query or one.certificate
        if one.url.startswith("https:") and not has_credentials:
            source = url_source(settings, one)
            key = source.removesuffix("url") + "key" if source.endswith(".url") else "ADAPTER_UPSTREAM_API_KEY"
            yield f"{one.url} gets no key: callers' keys are for this server. Set {key}, unless it needs none."


def _few_files() -> Iterator[str]:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < FILES:
        yield (
            f"Each worker may open {soft} files, which is enough for {soft // 2} streams at a time. Raise the limit to "
            f"{FILES}: ulimit -n, or LimitNOFILE of systemd."
        )
