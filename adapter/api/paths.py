"""Paths that are not quite the API's: served where only one is meant, else with a hint in the 404.

Clients join base URLs in their own ways: a slash too many, `/v1` twice or left out, Azure's `/openai` before it, or the
URL of an endpoint in place of the base. A path that is served as another goes through the same checks; the log has it
as it came. A redirect would be of no use: many clients do not follow one, and behind a proxy with TLS it would lead to
http.
"""

import re
from collections.abc import Iterator
from typing import Final

from flask import current_app, request
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from adapter.settings.kinds import suggest

_BASE: Final = re.compile(r"(/openai)?(/v1|/chat/completions|/responses(?=(/v1)?/responses\b))*(?=/)")
_CHAT: Final = re.compile(r"(/v1)?(/chat/completions|/completions|/messages)?/?")


def find_meant_path() -> None:
    """Let a request whose path is unknown go to the view of the path that it means, if there is one."""
    unknown = request.routing_exception
    if not isinstance(unknown, (NotFound, MethodNotAllowed, RequestRedirect)) or request_ctx.url_adapter is None:
        return
    for path in _meant_paths(request.path):
        try:
            rule, arguments = request_ctx.url_adapter.match(path, return_rule=True)
        except HTTPException:
            continue
        request.url_rule, request.view_args, request.routing_exception = rule, dict(arguments), None
        return
    if isinstance(unknown, RequestRedirect):
        request.routing_exception = NotFound()


def hint(path: str) -> str:
    """Return the end of a sentence and another, which names the path that was probably meant, else ""."""
    if _CHAT.fullmatch(path):
        return ". Did you mean /v1/responses?"
    bare = _BASE.sub("", path, count=1)
    rules = (rule.rule for rule in current_app.url_map.iter_rules() if not rule.arguments)
    similar = [rule for rule in rules if suggest(bare, [_BASE.sub("", rule, count=1)])]  # a base URL makes all alike
    suggestion = suggest(path, similar)
    return f".{suggestion}" if suggestion else ""


def _meant_paths(path: str) -> Iterator[str]:
    merged = re.sub("//+", "/", path)
    yield merged
    yield "/v1" + _BASE.sub("", merged, count=1)
