"""For `gunicorn wsgi:app`: the server that `responses-adapter serve` runs, set up from ADAPTER_ variables and TOML.

Gunicorn's own flags and GUNICORN_CMD_ARGS override what is set here.
"""

import os

from adapter.server.server import give_up, options, prepare
from adapter.settings.settings import SettingsError
from adapter.settings.sources import load_settings

try:
    settings = prepare(load_settings())
except SettingsError as error:
    give_up(error)

os.environ["ADAPTER_UPSTREAM_URL"] = settings.upstream_url or ""  # the demo upstream's, where it was started
globals().update(options(settings))
