"""responses-adapter: the OpenAI Responses API in front of any chat-completions provider.

The way of a request: `api/` (view, envelope, authentication) → `create.py` (the flow) → `asking.py` (what is asked,
and whom: `upstream/registry.py` knows who serves a model, `candidates.py` whose turn it is, `health.py` who is left
alone) → `context.py` (what it continues: `histories.py`, `conversations.py`, `beginnings.py`, out of `store/`) →
`translators` (the chat request) → `upstream/` (the call) → `translators` again (chunks to events) → `api/stream.py`
(frames). `api/websocket.py` is another way in and out of the same flow, and
`background.py` lets it go on without its client. `create_app` puts it together; `cli.py` and `server.py` start it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from adapter.settings import Settings

__version__ = "0.1.0"


def create_app(settings: "Settings | None" = None) -> "Flask":
    """Return the WSGI application; settings come from the environment unless given. Raises SettingsError."""
    # Imported here so that the command line can patch the standard library before sockets are imported.
    from flask import Flask

    from adapter.api import compact, conversations, health, models, responses
    from adapter.api.errors import init_errors
    from adapter.services import Services
    from adapter.settings import load_settings

    app = Flask("adapter", static_folder=None)
    app.extensions["adapter"] = Services(settings or load_settings())
    app.url_map.strict_slashes = False
    init_errors(app)
    for part in (responses, compact, conversations, models, health):
        app.register_blueprint(part.blueprint)
    return app
