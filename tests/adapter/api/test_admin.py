"""The admin application without a server."""

from collections.abc import Callable

from adapter.api.admin.app import create_admin_app
from adapter.settings.caller_keys import CallerKey
from adapter.store.base import StoreDown
from tests.support.app import make_app


def fail(*_: object) -> None:
    raise StoreDown("it is down")


class DownStore:
    """A store of which every call fails."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return fail


def test_metrics_need_no_store() -> None:
    key = CallerKey(name="team", digests=frozenset({"0" * 64}), tenant="team", tokens_per_day=100, concurrent=2)
    app = make_app(keys=(key,), stored_keys=True, admin_bind="127.0.0.1:9464")
    services = app.extensions["adapter"]
    services.store = services.gate._key_tokens = DownStore()
    admin = create_admin_app(services).test_client()
    answer = admin.get("/metrics", base_url="http://127.0.0.1:9464")
    assert answer.status_code == 200
    assert "responses_adapter_" in answer.text
    assert admin.get("/usage", base_url="http://127.0.0.1:9464").status_code == 503


def test_an_inspector_that_is_off_says_how_it_is_used() -> None:
    services = make_app(admin_bind="127.0.0.1:9464").extensions["adapter"]
    admin = create_admin_app(services).test_client()
    for path in ("/inspector", "/inspector/lessons", "/inspector/api/recordings"):
        answer = admin.get(path, base_url="http://127.0.0.1:9464")
        assert answer.status_code == 404
        assert answer.json["error"]["message"].startswith("The inspector is off. To use it, set ADAPTER_INSPECTOR")
