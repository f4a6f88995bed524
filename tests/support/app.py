"""The application without a server: its views, a memory store, and a provider that lists models."""

from flask import Flask

from adapter import create_app
from adapter.settings.settings import Settings

KEYS = ("sk-one-0123456789abcdef", "sk-two-0123456789abcdef")


class Provider:
    """The upstream as far as these tests go: a list of models, or the error it ends in."""

    name = "default"

    def __init__(self) -> None:
        self.models_body = b'{"object":"list","data":[]}'
        self.error: Exception | None = None
        self.bearers: list[str | None] = []

    def log_failure(self, error: object, **where: object) -> None:
        """Say nothing."""

    def fetch_models(self, bearer: str | None, watch: object) -> bytes:
        self.bearers.append(bearer)
        if self.error is not None:
            raise self.error
        return self.models_body


def make_app(**settings: object) -> Flask:
    app = create_app(Settings(upstream_url="http://provider.test/v1", store="memory:", **{"retries": 0, **settings}))  # type: ignore[arg-type]
    app.extensions["adapter"].upstreams["default"] = Provider()
    return app
