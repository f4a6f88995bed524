"""A seal that can be looked through: the same payload always gives the same text."""

from base64 import b64decode, b64encode


class Glass:
    def seal(self, payload: bytes) -> str:
        return "glass:" + b64encode(payload).decode()

    def unseal(self, text: str) -> bytes | None:
        return b64decode(text.removeprefix("glass:")) if text.startswith("glass:") else None
