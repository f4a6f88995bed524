"""An application without a server, for tests of one process."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from adapter.telemetry.logs import log_context
from tests.support.app import make_app


@pytest.fixture(autouse=True)
def no_log_context() -> Iterator[None]:
    """Forget what requests bound to the log; in the server each connection has a context of its own."""
    yield
    log_context.set({})


@pytest.fixture
def app() -> Iterator[Flask]:
    app = make_app()
    yield app
    app.extensions["adapter"].store.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
