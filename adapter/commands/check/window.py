"""The context that a local server has given to a model, where its list of models does not say it.

Each of these servers is asked on a path of its own, beside `/v1`. What the weights would allow is not meant: a server
gives a model less by default, and cuts off or refuses what goes beyond.
"""

import json
from collections.abc import Callable
from typing import Any, Final

from adapter.commands.check.client import ProbeClient


def _of_llama_cpp(props: Any, model: str) -> Any:
    return props["default_generation_settings"]["n_ctx"]


def _of_ollama(loaded: Any, model: str) -> Any:
    names = (model, f"{model}:latest")
    return next((one["context_length"] for one in loaded["models"] if one["name"] in names), None)


def _of_lm_studio(models: Any, model: str) -> Any:
    return next((one["loaded_context_length"] for one in models["data"] if one["id"] == model), None)


_PLACES: Final[dict[str, tuple[str, Callable[[Any, str], Any]]]] = {
    "llama_cpp": ("/props", _of_llama_cpp),
    "ollama": ("/api/ps", _of_ollama),
    "lm_studio": ("/api/v0/models", _of_lm_studio),
}
"""By dialect, where a size is and how it is read. Sources: llama.cpp, Ollama docs, LM Studio docs."""
_MORE: Final = {
    "llama_cpp": "-c 65536",
    "ollama": "OLLAMA_CONTEXT_LENGTH=65536 where `ollama serve` runs",
    "lm_studio": "the context length with which the model is loaded",
    "vllm": "--max-model-len",
}
"""By dialect, what sets the size."""
_LEAST: Final = 32_000
"""Tokens with which Codex can work: its prompt and tools take some 15,000."""


def ask_window(client: ProbeClient, dialect: str, model: str) -> int | None:
    """Return the size of a loaded model's context in tokens; None: the server does not say it."""
    if dialect not in _PLACES:
        return None
    path, read = _PLACES[dialect]
    body = client.fetch_beside(path)
    try:
        size = None if body is None else read(json.loads(body), model)
    except (LookupError, TypeError, ValueError):
        return None
    return size if type(size) is int and size > 0 else None


def advise_on_window(window: int | None, dialect: str) -> str:
    """Return what a user of Codex has to do about the size of a context."""
    if window is None:
        return (
            "The context window is unknown: give Codex `model_context_window`, the tokens that the model has room for."
        )
    advice = f"For Codex: `model_context_window = {window}`."
    if window >= _LEAST:
        return advice
    more = f", by {_MORE[dialect]}" if dialect in _MORE else ""
    return f"{advice} That is too little for its prompt and tools: give the model {_LEAST:,} tokens or more{more}."
