"""The answer at `/`, for a person who opens the base URL to see whether anything is there."""

from flask import Blueprint, Response, request

blueprint = Blueprint("landing", __name__)

_TEXT = """\
This is responses-adapter: OpenAI's Responses API in front of a chat-completions provider. It is running.

  base URL for clients   {base}/v1
  requests               POST {base}/v1/responses
  models                 GET {base}/v1/models
  is it ready?           GET {base}/readyz
"""


@blueprint.get("/")
def show() -> Response:
    return Response(_TEXT.format(base=request.host_url.rstrip("/")), content_type="text/plain; charset=utf-8")
