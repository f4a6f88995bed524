"""Named keys: what they may do, what they have left, and a file of keys that changes."""

import datetime
import os
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from adapter.commands.keys import table_of
from adapter.settings.caller_keys import CallerKey, digest_of, read_caller_keys
from adapter.settings.settings import Settings
from adapter.settings.sources import load_settings
from adapter.settings.tables import TableError
from adapter.sharing.keys import CallerKeys
from adapter.sharing.new_keys import create_key
from tests.support.app import make_app
from translators.errors import RequestError

KEY = "ra-test-key-of-team-a-0123456789"
BODY = {"model": "m", "input": "Hi"}
HASH = f"sha256:{'0' * 64}"


def named(**members: Any) -> CallerKey:
    return CallerKey(**{"name": "team-a", "digests": frozenset({digest_of(KEY)}), "tenant": "team-a", **members})


@pytest.fixture(autouse=True)
def nothing_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """End a request that was let in with 409."""

    def end(*_: object) -> None:
        raise RequestError("It was let in.", status=409)

    monkeypatch.setattr("adapter.api.responses.open_exchange", end)


def client_of(*keys: CallerKey) -> FlaskClient:
    app: Flask = make_app(keys=keys)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {KEY}"
    return client


def post(client: FlaskClient, **members: Any) -> Any:
    return client.post("/v1/responses", json={**BODY, **members})


def test_only_its_models() -> None:
    client = client_of(named(models=("gpt-*", "fast")))
    answer = post(client)
    assert answer.status_code == 404
    assert answer.json["error"]["code"] == "model_not_found"
    assert answer.json["error"]["param"] == "model"
    assert post(client, model="gpt-4").status_code == 409


def test_a_key_expires_after_its_last_day() -> None:
    today = datetime.datetime.now(datetime.UTC).date()
    assert post(client_of(named(expires=today))).status_code == 409
    answer = post(client_of(named(expires=today - datetime.timedelta(days=1))))
    assert answer.status_code == 401
    assert "expired on" in answer.json["error"]["message"]


def test_requests_a_minute() -> None:
    client = client_of(named(requests_per_minute=12))
    first, second, third = (post(client) for _ in range(3))
    assert (first.headers["x-ratelimit-limit-requests"], first.headers["x-ratelimit-remaining-requests"]) == ("12", "1")
    assert second.headers["x-ratelimit-remaining-requests"] == "0"
    assert third.status_code == 429
    error = third.json["error"]
    assert (error["code"], error["type"]) == ("rate_limit_exceeded", "requests")
    assert "12 requests per minute" in error["message"]
    assert 1 <= int(third.headers["Retry-After"]) <= 5
    assert int(third.headers["retry-after-ms"]) <= 5000
    assert third.headers["x-should-retry"] == "true"
    assert third.headers["x-ratelimit-reset-requests"] == "10s"


def test_tokens_a_minute() -> None:
    client = client_of(named(tokens_per_minute=1000))
    answer = post(client, max_output_tokens=2000)
    assert answer.status_code == 400
    assert "never be let in" in answer.json["error"]["message"]
    assert post(client, max_output_tokens=960).status_code == 409
    assert post(client, max_output_tokens=16).status_code == 409, "a key is let in while it has tokens left"
    assert post(client, max_output_tokens=16).json["error"]["type"] == "tokens"


def test_a_key_without_limits_has_no_headers() -> None:
    assert not [name for name, _ in post(client_of(named())).headers if name.lower().startswith("x-ratelimit")]


def test_two_hashes_are_one_tenant() -> None:
    both = named(digests=frozenset({digest_of("ra-old-0123456789"), digest_of("ra-new-0123456789")}))
    keys = CallerKeys(Settings(keys=(both,)))
    old, new = keys.find("ra-old-0123456789"), keys.find("ra-new-0123456789")
    assert old == new
    assert old is not None
    assert old.tenant == "team-a"
    assert keys.find("ra-other-0123456789") is None


def test_a_name_takes_over_what_its_key_stored_without_one() -> None:
    digest = digest_of(KEY)
    (key,) = read_caller_keys({"team": {"hash": f"sha256:{digest}", "tenant": f"sha256:{digest}"}}, {})
    unnamed = CallerKeys(Settings(api_keys=(KEY,))).find(KEY)
    assert unnamed is not None
    assert key.tenant == unnamed.tenant


def test_a_changed_file_counts_without_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapter.sharing.keys._SECONDS_BETWEEN_LOOKS", 0.0)
    file = tmp_path / "adapter.toml"
    first, second = create_key(), create_key()
    file.write_text(table_of("a", first))
    keys = CallerKeys(load_settings({}, {"ADAPTER_CONFIG": str(file)}))
    assert keys.find(first) is not None

    def rewrite(text: str, at: int) -> None:
        file.write_text(text)
        os.utime(file, (at, at))

    rewrite(table_of("b", second), 1)
    assert keys.find(first) is None
    assert keys.find(second) is not None
    assert keys.names_in_file() == {"b"}, "so that the store gets a key a, and none of the name b"
    rewrite("[keys.b]\nhash = 1", 2)
    assert keys.find(second) is not None, "a file that cannot be read changes nothing"
    rewrite("", 3)
    assert keys.find(second) is None
    assert keys.find("anything-0123456789") is None, "without keys in the file, the server does not become open"


def test_the_log_says_once_that_a_file_is_broken_and_once_that_it_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_lines: list[dict[str, Any]]
) -> None:
    monkeypatch.setattr("adapter.sharing.keys._SECONDS_BETWEEN_LOOKS", 0.0)
    file, key = tmp_path / "adapter.toml", create_key()
    file.write_text(good := f'[keys.a]\nhashes = ["{HASH}", "sha256:{digest_of(key)}"]')
    keys = CallerKeys(load_settings({}, {"ADAPTER_CONFIG": str(file)}))
    for text in ("[keys.a", "[keys.a", good, good):
        file.write_text(text)
        assert keys.find(key) is not None
    broken, mended = log_lines
    assert broken["event"] == "keys not read anew"
    assert broken["error"].startswith(f"{file} is not TOML: ")
    assert {**mended, "keys": 1, "event": "keys read anew"} == mended, "one key, although it has two hashes"


def test_a_changed_file_with_a_key_counts_without_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapter.sharing.keys._SECONDS_BETWEEN_LOOKS", 0.0)
    config, first, second = tmp_path / "adapter.toml", tmp_path / "first", tmp_path / "second"
    one, two, three = create_key(), create_key(), create_key()

    def write(file: Path, text: str, at: int) -> None:
        file.write_text(text)
        os.utime(file, (at, at))

    write(first, one + "\n", 1)
    write(config, f'[keys.a]\nkey = "file:{first}"', 1)
    keys = CallerKeys(load_settings({}, {"ADAPTER_CONFIG": str(config)}))
    assert keys.find(one) is not None
    write(first, two, 2)
    assert (keys.find(one), keys.find(two) is None) == (None, False)
    for broken, at in (("", 3), ("two words", 4)):
        write(first, broken, at)
        assert keys.find(two) is not None, "a file that cannot be read changes nothing"
    first.unlink()
    assert keys.find(two) is not None, "nor does one that is missing"
    write(first, one, 5)
    assert keys.find(one) is not None
    write(config, f'[keys.a]\nkey = "file:{first}"\n[keys.b]\nkey = "file:{second}"', 6)
    assert keys.find(three) is None, "its file is missing"
    write(second, three, 7)
    assert keys.find(three) is not None, "a file that comes after the table that names it is read"
    write(second, two, 8)
    assert keys.find(two) is not None


def test_keys_are_what_scanners_recognise() -> None:
    keys = {create_key() for _ in range(20)}
    assert len(keys) == 20
    assert all(len(key) == 52 and key.startswith("ra-") and key[3:].isalnum() for key in keys)


def test_a_created_table_is_one_that_loads(tmp_path: Path) -> None:
    file = tmp_path / "adapter.toml"
    file.write_text(table_of("team-a", create_key(), days=3, concurrent=4))
    (key,) = load_settings({}, {"ADAPTER_CONFIG": str(file)}).keys
    assert (key.name, key.concurrent) == ("team-a", 4)
    assert key.expires is not None


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"a": {}}, "keys.a needs one of hash, hashes and key"),
        ({"a": {"hash": HASH, "key": "env:X"}}, "keys.a needs one of hash, hashes and key"),
        ({"a": {"hash": "secret"}}, "keys.a.hash must be the SHA-256 of a key"),
        ({"a": {"key": "plain-text-key"}}, "keys.a.key must be env:NAME or file:/path"),
        ({"a": {"hashes": []}}, "keys.a.hashes must be an array"),
        ({"a": {"hashes": [HASH, 1]}}, "keys.a.hashes must be hashes"),
        ({"a": {"hash": HASH}, "b": {"hash": HASH}}, "keys.b is the same key as keys.a"),
        ({"a b": {"hash": HASH}}, 'keys."a b": a name has'),
        ({"a": {"hash": HASH, "model": "x"}}, "keys.a.model is not a setting of a key. Did you mean models?"),
        ({"a": {"hash": HASH, "models": "x"}}, "keys.a.models must be an array"),
        ({"a": {"hash": HASH, "expires": "2027-06-30"}}, "keys.a.expires must be a date without quotes"),
        ({"a": {"hash": HASH, "concurrent": 0}}, "keys.a.concurrent must be a whole number from 1"),
        ({"a": HASH}, "keys must hold tables"),
    ],
)
def test_a_table_that_cannot_be_used(table: Any, message: str) -> None:
    with pytest.raises(TableError) as caught:
        read_caller_keys(table, {})
    assert str(caught.value).startswith(message)
    assert "secret" not in str(caught.value)
    assert "plain-text-key" not in str(caught.value)
