"""Remove an upstream's secrets from the texts of its errors: some gateways repeat them in full.

Every text of a provider's error passes here before it is logged or sent: the message, code, type and param of an HTTP
error, and of an error inside an answer. The secrets are the upstream's keys, the values of its configured headers and
query, and the caller's own key where that is passed through.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from adapter.settings.secret_values import Secret, is_elsewhere
from adapter.telemetry.masks import MIN_SECRET_CHARS, mask_secrets, pattern_of
from translators.wire import NotJSON, decode, encode

REDACTED: Final = "***"

_ERROR: Final = b'"error"'
_MAX_LINE_BYTES: Final = 1 << 16
"""Of a line that has not ended, after which it is passed on in pieces."""
_LONGEST_SECRET: Final = 8192
"""Bytes: `settings/secret_values.py` accepts no longer key or value."""
_OF_ACCESS: Final = re.compile(r"(?i)auth|cookie|key|pass|secret|token")
"""In the names of headers and parameters that give access, whatever their values look like."""


def secrets_of(name: str, given: Secret) -> list[str]:
    """Return what a configured header or parameter keeps secret: its value, and the words of it.

    Ordinary words (`X-Team: search`) are no secrets: answers have them, too. The last one is (`Authorization: Bearer
    word`) where the name says that it gives access, or the value is not in the settings themselves (`env:NAME`).
    """
    words = given.value.split()
    secrets = [text for text in (given.value, *words) if len(text) >= MIN_SECRET_CHARS and not text.isalpha()]
    return [*secrets, *words[-1:]] if _OF_ACCESS.search(name) or is_elsewhere(given) else secrets


class Redactor:
    """Replaces secrets in a text. Call it."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.secrets = longest_first = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(pattern_of, longest_first))) if longest_first else None

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
            redacted = self.redact_value(value)
        except NotJSON:
            return b""
        return body if redacted == value else encode(redacted)

    def redact_answer(self, body: bytes) -> bytes:
        """Return an answer without secrets, as it came if it has none: an error in it is searched after decoding."""
        body = self.mask(body)
        return self.redact_object(body) or body if _ERROR in body else body

    def redact_value(self, value: Any) -> Any:
        """Return decoded JSON, its texts and names without secrets; numbers stay."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, list):
            return [self.redact_value(one) for one in value]
        if isinstance(value, dict):
            return {self(key): self.redact_value(one) for key, one in value.items()}
        return value

    def mask(self, data: bytes) -> bytes:
        """Return data with each character of a secret replaced by an asterisk, so that all lengths stay right."""
        return mask_secrets(data, self.secrets)


class LineRedactor:
    """Removes secrets from a stream of events, line by line, since a secret may be cut anywhere."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._rest = b""
        """The beginning of a line, which means nothing to a client yet."""

    def feed(self, data: bytes) -> bytes:
        """Return what can be passed on after the next piece."""
        data = self._rest + data
        end = data.rfind(b"\n") + 1
        if len(data) - end > _MAX_LINE_BYTES:
            end = len(data) - _LONGEST_SECRET
        self._rest = data[end:]
        return self._redact(data[:end])

    def end(self) -> bytes:
        """Return what is left at the end of the stream."""
        rest, self._rest = self._rest, b""
        return self._redact(rest)

    def _redact(self, data: bytes) -> bytes:
        if _ERROR not in data:
            return self._redactor.mask(data)
        return b"".join(map(self._redact_line, data.splitlines(keepends=True)))

    def _redact_line(self, line: bytes) -> bytes:
        name, colon, value = line.partition(b":")
        payload = value.strip()
        if name != b"data" or not payload:
            return self._redactor.mask(line)
        return name + colon + value.replace(payload, self._redactor.redact_answer(payload))
