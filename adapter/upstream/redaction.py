"""Remove an upstream's secrets from the texts of its errors: some gateways repeat them in full.

Every text of a provider's error passes here before it is logged or sent: the message, code, type and param of an HTTP
error, and of an error inside an answer. The secrets are the upstream's keys, the values of its configured headers, and
the caller's own key where that is passed through. What the inspector records passes here, too.
"""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from translators.wire import NotJSON, decode, encode

REDACTED: Final = "***"

_SELF_EVIDENT_CHARS: Final = 8
"""A secret of this length is replaced anywhere. A shorter one may be part of ordinary words ("none" in "nonetheless"):
it is replaced only between characters that are no part of a word."""


class Redactor:
    """Replaces secrets in a text. Call it."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = longest_first = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_pattern_of, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        return text if self._pattern is None else self._pattern.sub(REDACTED, text)

    def redact_object(self, body: bytes) -> bytes:
        """Return a JSON object as it came if it has no secrets, else written anew; b"" for anything else.

        It is searched after decoding, since JSON has several ways to write a character.
        """
        try:
            value = decode(body)
            if not isinstance(value, dict):
                return b""
            redacted = self._redact_value(value)
        except NotJSON:
            return b""
        return body if redacted == value else encode(redacted)

    def _redact_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self(value)
        if isinstance(value, list):
            return [self._redact_value(one) for one in value]
        if isinstance(value, dict):
            return {self(key): self._redact_value(one) for key, one in value.items()}
        return value

    def mask(self, data: bytes) -> bytes:
        """Return data with each character of a secret replaced by an asterisk, so that all lengths stay right."""
        return mask_secrets(data, self._secrets)


def mask_secrets(data: bytes, secrets: Iterable[str]) -> bytes:
    """Return data with each character of these secrets replaced by an asterisk, as they are or escaped in JSON."""
    for secret in secrets:
        for form in _forms_of(secret):
            if form in data:  # mostly not, and this is quick
                data = re.sub(_pattern_of(form.decode()).encode(), _asterisks, data)
    return data


@lru_cache(maxsize=1024)
def _forms_of(secret: str) -> tuple[bytes, ...]:
    """Return a secret as it is in UTF-8 and in JSON."""
    return tuple({secret.encode("utf-8", "replace"), json.dumps(secret)[1:-1].encode()})


def _asterisks(found: re.Match[bytes]) -> bytes:
    return b"*" * len(found[0])


def _pattern_of(secret: str) -> str:
    escaped = re.escape(secret)
    return escaped if len(secret) >= _SELF_EVIDENT_CHARS else rf"(?<!\w){escaped}(?!\w)"
