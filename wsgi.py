"""The WSGI application, for any server: `gunicorn wsgi:app`."""

from adapter import create_app

app = create_app()
