"""What Codex is told about models."""

from typing import Any

import pytest

from translators.to_responses.models.codex_catalog import codex_catalog, read_context_window


@pytest.mark.parametrize(
    ("model", "window"),
    [
        ({"id": "m", "max_model_len": 32768}, 32768),
        ({"id": "m", "context_window": 131072, "max_completion_tokens": 8192}, 131072),
        ({"id": "m", "context_length": 1_000_000, "top_provider": {"context_length": 200_000}}, 200_000),
        ({"id": "m", "context_length": 262144, "top_provider": {"context_length": None}}, 262144),
        ({"id": "m", "max_context_length": 131072}, 131072),
        ({"id": "m", "meta": {"n_ctx_train": 40960}}, None),
        ({"id": "m", "meta": {"n_ctx_train": 40960, "n_ctx": 4096}}, 4096),
        ({"id": "m", "meta": None, "top_provider": []}, None),
        ({"id": "m", "context_length": "8192", "max_model_len": True, "context_window": 0}, None),
    ],
)
def test_the_context_window_in_every_provider_s_form(model: dict[str, Any], window: int | None) -> None:
    assert read_context_window(model) == window


def test_a_model_whose_window_is_not_known_is_left_out() -> None:
    catalog = codex_catalog([("a", 9), ("b", None), ("c", 8)], "Be kind.")
    assert [(entry.slug, entry.priority, entry.context_window) for entry in catalog] == [("a", 1, 9), ("c", 2, 8)]
