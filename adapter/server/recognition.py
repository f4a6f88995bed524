"""Recognise which program serves an upstream by its list of models, before the server starts.

vLLM, SGLang and llama.cpp run at any host and port, but each names itself as the owner of its models. So an upstream
over plain HTTP whose dialect follows neither from the settings nor from the URL is asked for its list once, by the
process that starts the workers: they all use the same dialect. One that does not answer at once keeps the default
dialect, which every provider accepts. Programs like these are not behind TLS; a gateway that is lists models of many
owners.

The socket is used directly, since no module that imports `ssl` may be imported here (see `server.py`).
Source: RFC 9112 §6.3.
"""

import os
import re
import socket
import time
from typing import Final
from urllib.parse import urlsplit

from adapter.settings.settings import Settings
from adapter.settings.upstreams import UpstreamSettings
from translators.dialects.presets import preset_of_models
from translators.errors import UpstreamError
from translators.to_responses.models.model_list import read_model_list

_SECONDS: Final = 2.0
"""For all upstreams together."""
_MAX_BYTES: Final = 1 << 20
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]{1,7}) *\r\n", re.IGNORECASE)


def recognise_dialects(settings: Settings) -> Settings:
    """Return the settings with the presets of upstreams that name themselves; a proxy keeps all from being asked."""
    if any(os.environ.get(name) for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")):
        return settings
    deadline = time.monotonic() + _SECONDS
    asked = [one for one in settings.all_upstreams() if one.auto_dialect and one.url.startswith("http://")]
    found = {one.name: preset for one in asked if (preset := _recognise(one, deadline)) is not None}
    return settings.with_presets(found) if found else settings


def _recognise(upstream: UpstreamSettings, deadline: float) -> str | None:
    try:
        return preset_of_models(read_model_list(_fetch_models(upstream, deadline)))
    except (OSError, UpstreamError, ValueError):
        return None


def _fetch_models(upstream: UpstreamSettings, deadline: float) -> bytes:
    """Return the body of the upstream's list of models, "" for another status; raise OSError."""
    url = urlsplit(upstream.url)
    headers = {name: header.value for name, header in upstream.headers.items()}
    if upstream.keys:
        headers["Authorization"] = f"Bearer {upstream.keys[0].value}"
    lines = [f"GET {url.path}/models HTTP/1.0", f"Host: {url.netloc.rpartition('@')[2]}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    answer = b""
    with socket.create_connection((url.hostname or "", url.port or 80), _left(deadline)) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        while not _is_whole(answer) and len(answer) < _MAX_BYTES:
            connection.settimeout(_left(deadline))
            piece = connection.recv(65536)
            if not piece:
                break
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    return body if head.split(b" ", 2)[1:2] == [b"200"] else b""


def _is_whole(answer: bytes) -> bool:
    """Whether an answer has as many bytes as its head says."""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head + b"\r\n")
    return bool(end) and length is not None and len(body) >= int(length[1])


def _left(deadline: float) -> float:
    """Return the seconds that are left; raise TimeoutError if none are."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
