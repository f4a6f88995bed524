"""Routes, headers and metrics that the pages name exist."""

import re
from pathlib import Path

import pytest
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from adapter.telemetry.catalog import METRICS, PREFIX
from tests.docs.pages.blocks import EVERY, ROOT
from tests.docs.pages.test_commands import ROUTES

CODE = "\n".join(path.read_text() for path in ROOT.glob("adapter/**/*.py")).lower()
NAMES = {metric.name for metric in METRICS.values()}


def is_served(method: str, path: str) -> bool:
    """Whether the public or the admin address has it."""
    for routes in ROUTES.values():
        try:
            routes.match(re.sub(r"\{\w+\}", "x", path), method)
        except RequestRedirect:
            return False
        except HTTPException:
            continue
        return True
    return False


@pytest.mark.parametrize("page", EVERY.values(), ids=EVERY)
def test_routes(page: Path) -> None:
    named = re.findall(r"`(GET|POST|DELETE) (/[\w/{}.]*)[`?]", " ".join(page.read_text().split()))
    assert [(method, path) for method, path in named if not is_served(method, path)] == []


@pytest.mark.parametrize("page", EVERY.values(), ids=EVERY)
def test_headers(page: Path) -> None:
    named = {name.lower() for name in re.findall(r"`(x-[a-z-]+)`", page.read_text(), re.I)}
    assert [name for name in named if name not in CODE and f"http_{name.replace('-', '_')}" not in CODE] == []


@pytest.mark.parametrize("page", EVERY.values(), ids=EVERY)
def test_metrics(page: Path) -> None:
    assert set(re.findall(rf"`({PREFIX}[a-z_]+)`", page.read_text())) <= NAMES


def test_they_are_found() -> None:
    text = " ".join(page.read_text() for page in EVERY.values())
    assert len(set(re.findall(r"`(?:GET|POST|DELETE) /", text))) == 3
    assert len(set(re.findall(r"`x-[a-z-]+`", text))) > 6
    assert not is_served("GET", "/v1/nothing")
