"""The file with the prompt for Codex CLI (`codex_instructions`), read for each catalog, so that it can be edited."""

from typing import Final

_MAX_CHARACTERS: Final = 1 << 20
"""Codex's own prompt has about 20,000."""


class UnusableInstructions(Exception):
    """The file cannot be used. The message is a sentence that names it."""


def read_codex_instructions(path: str) -> str:
    """Return the text of the file; raise UnusableInstructions."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_MAX_CHARACTERS + 1)
    except OSError as error:
        raise UnusableInstructions(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise UnusableInstructions(f"{path} is not text in UTF-8.") from None
    if len(text) > _MAX_CHARACTERS:
        raise UnusableInstructions(f"{path} has more than {_MAX_CHARACTERS} characters.")
    if not text.strip():
        raise UnusableInstructions(f"{path} is empty: Codex would give the model no instructions at all.")
    return text
