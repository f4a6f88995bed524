"""`/healthz` and `/readyz`."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from adapter.store.base import StoreDown


def test_all_is_well(client: FlaskClient) -> None:
    for path in ("/healthz", "/readyz"):
        answer = client.get(path)
        assert (answer.status_code, json.loads(answer.data)) == (200, {"status": "ok"})


def test_the_store_is_down(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ping() -> None:
        raise StoreDown("disk I/O error of /var/adapter.db")

    monkeypatch.setattr(app.extensions["adapter"].store, "ping", ping)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert json.loads(answer.data) == {"status": "unavailable"}
    assert "not ready" in (said := capsys.readouterr().err)
    assert "store: disk I/O error of /var/adapter.db" in said
    assert client.get("/healthz").status_code == 200
