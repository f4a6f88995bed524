"""An application without a server, for tests of one process."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from adapter.telemetry.logs import log, log_context
from tests.support.app import make_app


@pytest.fixture(autouse=True)
def no_log_context() -> Iterator[None]:
    """Forget what requests bound to the log; in the server each connection has a context of its own."""
    yield
    log_context.set({})


@pytest.fixture
def log_lines(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The lines of all levels, each as its fields with `level`, in place of writing them."""
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr(log, "lowest", logging.DEBUG)
    monkeypatch.setattr(log, "write", lambda level, event: lines.append({"level": level, **event}))
    return lines


@pytest.fixture
def app() -> Iterator[Flask]:
    app = make_app()
    yield app
    app.extensions["adapter"].store.close()


@pytest.fixture
def offloaded(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tenants for which something was done beside the event loop, each time."""
    tenants: list[str] = []

    def run(tenant: str, function: Callable[..., Any], *args: Any) -> Any:
        tenants.append(tenant)
        return function(*args)

    monkeypatch.setattr(app.extensions["adapter"].offload, "run", run)
    return tenants


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
