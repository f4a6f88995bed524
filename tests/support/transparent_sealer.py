"""A sealer whose seals tests can read: the same payload always gives the same text."""

from base64 import b64decode, b64encode


class TransparentSealer:
    def seal(self, payload: bytes) -> str:
        return "plain:" + b64encode(payload).decode()

    def unseal(self, text: str) -> bytes | None:
        return b64decode(text.removeprefix("plain:")) if text.startswith("plain:") else None
