"""The services of the Flask app that serves the current request: for views, and nothing below them."""

from typing import cast

from flask import current_app

from adapter.services import Services


def services() -> Services:
    return cast(Services, current_app.extensions["adapter"])
