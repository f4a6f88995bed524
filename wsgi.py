"""The WSGI application, for any server: `gunicorn wsgi:app`."""

from adapter import create_app
from adapter.server.server import give_up, prepared_settings
from adapter.settings.settings import SettingsError

try:
    app = create_app(prepared_settings())
except SettingsError as error:
    give_up(error)
