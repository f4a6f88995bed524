"""responses-adapter: the OpenAI Responses API in front of any chat-completions provider.

The way of a request:

- `api/`: the views. Every request for a model enters through `api/request/intake.py`, over HTTP or `api/websocket/`;
  `api/stream.py` sends the events, after a grace window and with keep-alives
- `flow/`: the exchange, the same for every transport: context → chat request → upstream → events. A round (`round.py`)
  is one chat call, an invalid answer leads to another; within it, `attempts.py` tries one candidate after the other
- `history/`: what the input continues: chains, conversations, compaction items, and sealed content
- `files/`: files and images: uploaded, fetched, read, replaced in the input
- `hosting/`: tools that the adapter runs itself, at servers that the operator allows; imported at their first use
- `upstream/`: the call (`client.py`, `call.py`), and what its rejection teaches (`learning.py`);
  `upstream/routing/` chooses the candidate, `upstream/http/` is the transport
- `background/`: responses that go on without their client
- `store/`: SQLite, PostgreSQL, Redis and memory, each with the calls of `store/protocols.py`

Around it: `services.py` builds the objects that a worker's requests share, `settings/` reads and checks the
configuration, `event_loop/` has the timer, native threads and socket checks that gevent lacks, `telemetry/` the log and
the metrics, `sharing/` knows the keys, bounds what each and its tenant may use, and keeps long work off the event loop.
`cli.py` is the command line (`__main__.py`: `python -m adapter`), `commands/` has its commands, `server/` runs
gunicorn, `demo/` is an upstream to try the product with. `create_app` puts it together.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from adapter.settings.settings import Settings

__version__ = "0.1.0"


def _check_translators() -> None:
    """Exit if another package hides or replaces `translators`; there is one of that name, which calls web services.

    It is not imported for that, since importing it would call them.
    """
    spec = find_spec("translators")
    origin = None if spec is None else spec.origin
    if origin is None or "The pure half of the adapter" not in Path(origin).read_text(errors="replace")[:1000]:
        sys.exit(
            f"responses-adapter: the package 'translators' in {origin or 'no file'} is not the adapter's own. Install "
            "the adapter into an environment of its own, for example with 'pipx install' or 'uv tool install'."
        )


_check_translators()


def create_app(settings: "Settings | None" = None) -> "Flask":
    """Return the WSGI application; settings come from the environment unless given. Raises SettingsError."""
    # Imported here so that the command line can patch the standard library before sockets are imported.
    from flask import Flask

    from adapter.api import compact, conversations, forwarded, responses
    from adapter.api.about import health, landing, models, openapi
    from adapter.api.errors import init_errors
    from adapter.api.files import files, vector_files, vector_stores
    from adapter.api.origins import init_origins
    from adapter.services import Services
    from adapter.settings.sources import load_settings

    app = Flask("adapter", static_folder=None)
    settings = settings or load_settings()
    app.extensions["adapter"] = Services(settings)
    app.url_map.strict_slashes = False
    init_errors(app)
    init_origins(app, settings)
    forwarding = (forwarded,) if settings.forward else ()
    parts = (responses, compact, conversations, files, vector_stores, vector_files, models, health, landing, openapi)
    for part in (*parts, *forwarding):
        app.register_blueprint(part.blueprint)
    return app
