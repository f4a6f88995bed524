"""The requests, and what the code makes of them for one preset."""

import json
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from adapter.api.request.schemas import parse_create
from adapter.files.files import Files
from adapter.settings.settings import Settings
from translators.dialects.dialect import Dialect
from translators.errors import RequestError
from translators.notes import Notes
from translators.to_chat.history import History
from translators.to_chat.request import chat_request
from translators.wire import decode, encode

ROOT = Path(__file__).parent
REQUESTS = {file.stem: file.read_bytes() for file in sorted((ROOT / "requests").glob("*.json"))}
FILES = Files(Settings())


class Own:
    """A seal that opens what its provider sent, and nothing of another's: `for a,b:` and the payload in clear."""

    def __init__(self, provider: str) -> None:
        self._provider = provider

    def seal(self, payload: bytes) -> str:
        return f"for {self._provider}:{payload.decode()}"

    def unseal(self, text: str) -> bytes | None:
        providers, _, payload = text.removeprefix("for ").partition(":")
        return payload.encode() if self._provider in providers.split(",") else None


def golden(dialect: Dialect) -> Any:
    """Return what becomes of every request."""
    return {name: outcome(body, dialect) for name, body in REQUESTS.items()}


def outcome(body: bytes, dialect: Dialect) -> Any:
    """Return the chat request and the notes, or the refusal."""
    notes = Notes()
    try:
        request = parse_create(body, max_items=100)
        request = replace(request, input=FILES.of_request(request.input, dialect, notes))
        chat = chat_request(
            request, History(), dialect, notes, model="m", stream=request.stream, sealer=Own(dialect.name)
        )
    except RequestError as error:
        return {"refused": error.envelope()["error"]}
    noted = [f"{note.param} {note.action}: {note.reason}" for note in notes]
    return {"chat": decode(chat.json), "notes": noted, "answer_rules": decode(encode(chat.answer_rules))}


def read(name: str) -> Any:
    return json.loads((ROOT / "goldens" / f"{name}.json").read_bytes())
