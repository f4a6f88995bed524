"""What is left out of recorded contents: what means nothing to a person, and what gives access elsewhere.

Base64 of images and files is replaced by its size and digest, sealed reasoning cut to its first characters. Of tool
servers, files and pictures, credentials and what may be one in a URL become asterisks.
"""

import hashlib
import re
from typing import Final

from adapter.telemetry.inspector.recording import CHUNK, ERROR, REQUEST
from adapter.telemetry.masks import contains

CUT: Final = b"[left out by the inspector: "
"""Begins what is in the place of base64."""
_LONG_BYTES: Final = 2048
_BASE64_BYTES: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-"
_BASE64: Final = re.compile(rb"(?<![%b])[%b]{%d,}" % (_BASE64_BYTES, _BASE64_BYTES, _LONG_BYTES))
"""Of images, audio and files: no word of a text is as long."""
_STEP: Final = 32
"""Between two bytes that are looked at first."""
_SAMPLES: Final = b"A" * (_LONG_BYTES // _STEP)
_AS_SAMPLES: Final = bytes(65 if byte in _BASE64_BYTES else 32 for byte in range(256))
"""What a byte of a sample says: whether it is base64."""
_SEALED_NAME: Final = b'"encrypted_content"'
_SEALED: Final = re.compile(rb'("encrypted_content":\s*"[^"\\]{16})[^"]+')
_OF_TOOL_SERVERS: Final = {
    b'"authorization"': re.compile(rb'("authorization"\s*:\s*")((?:[^"\\]|\\.)*)'),
    b'"headers"': re.compile(
        rb'("headers"\s*:\s*\{)((?:[^"{}]|"(?:[^"\\]|\\.)*+"?|\{(?:[^"{}]|"(?:[^"\\]|\\.)*+"?)*+\}?)*+)'
    ),
}
"""Members of a tool server → what finds their values. Functions may have parameters with these names."""
_TOOL_SERVER: Final = b'"mcp"'
_URL_NAME: Final = b'_url"'
_URL: Final = re.compile(
    rb'("(?:server|file)_url"\s*:\s*"(?:(?i:https?):(?:\\?/){2}[^/"?#@\\]*+(?=[/"?#\\]))?)((?:[^"\\]|\\.)*)'
)
"""Its path may be the credential."""
_PICTURE: Final = re.compile(
    rb'("image_url"\s*:\s*(?:\{\s*"url"\s*:\s*)?"(?i:https?):(?:\\?/){2})((?:[^"\\]|\\.)*)'
)
_SIGNATURE: Final = re.compile(rb"^[^/?#\\]*@|(?:[?#]|\\u00(?:3[fF]|23)).*", re.DOTALL)
"""Of a picture's URL: who may get it, and all that follows its path."""
_NAME_OR_TEXT: Final = re.compile(rb'("(?:[^"\\]|\\.)*+"\s*+:)|"((?:[^"\\]|\\.)*+)("?)')
_NAMES: Final = (*_OF_TOOL_SERVERS, _URL_NAME)


def names_credentials(request: bytes) -> bool:
    """Return whether a request has a member that may be, or have, a credential."""
    return any(contains(request, name) for name in _NAMES)


def may_be_cut(texts: bytes) -> bool:
    """Return whether texts may have something long that means nothing to a person."""
    return contains(texts, _SEALED_NAME) or _may_have_base64(texts)


def cut(kind: int, json: bytes) -> bytes:
    """Return a piece of this kind as it is recorded; mostly that is the same object."""
    if kind in (CHUNK, ERROR):
        return json
    if kind == REQUEST and contains(json, _TOOL_SERVER):
        for name, pattern in _OF_TOOL_SERVERS.items():
            if contains(json, name):
                json = pattern.sub(_hide_values, json)
    if contains(json, _URL_NAME):
        json = _PICTURE.sub(_hide_signature, _URL.sub(_hide_values, json))
    if contains(json, _SEALED_NAME):
        json = _SEALED.sub(rb"\1...", json)
    return _BASE64.sub(_describe, json) if _may_have_base64(json) else json


def _may_have_base64(json: bytes) -> bool:
    """Whether there may be a long run of base64, which would have so many samples: a quick look."""
    return len(json) >= _LONG_BYTES and contains(json[::_STEP].translate(_AS_SAMPLES), _SAMPLES)


def _hide_values(found: re.Match[bytes]) -> bytes:
    """Return a member with asterisks for its value; of an object, for the texts in it that are no names."""
    before, value = found.groups()
    if not before.endswith(b"{"):
        return bytes(before + b"*" * len(value))
    return bytes(before + _NAME_OR_TEXT.sub(_hide_text, value))


def _hide_text(found: re.Match[bytes]) -> bytes:
    name, text, end = found.groups()
    return bytes(name or b'"' + b"*" * len(text) + end)


def _hide_signature(found: re.Match[bytes]) -> bytes:
    return found[1] + _SIGNATURE.sub(lambda part: b"*" * len(part[0]), found[2])


def _describe(found: re.Match[bytes]) -> bytes:
    digest = hashlib.sha256(found[0]).hexdigest()[:8]
    return b"%b%d characters, sha256 %b]" % (CUT, len(found[0]), digest.encode())
