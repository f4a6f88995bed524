"""The WSGI application, for any server: `gunicorn wsgi:app`."""

from adapter import create_app
from adapter.server.server import prepared_settings

app = create_app(prepared_settings())
