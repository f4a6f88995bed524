"""What a view needs of the current Flask request: the services of its app, and its caller."""

from typing import cast

from flask import current_app, request

from adapter.api.request.intake import identify_caller
from adapter.flow.caller import Caller
from adapter.services import Services


def services() -> Services:
    return cast(Services, current_app.extensions["adapter"])


def current_caller() -> Caller:
    """Return who sends the current request; raise RequestError (401)."""
    return identify_caller(request.environ, services().caller_keys)
