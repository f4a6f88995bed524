"""What the configured provider can do, found out with a few small calls.

Each probe is a Responses request that goes the product's own way: translated for the provider's dialect, sent, and the
answer read by the stream machine. So `ok` means that the adapter can work with it, not that some field was there.
`no` means that the provider was asked and cannot; `error` that it could not be asked. What makes every further call
pointless (nobody there, a wrong key, a web page instead of an API) ends the check. Every wait is limited.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

import requests

from adapter.commands.offline import NOW, new_stream, translate
from adapter.settings.settings import Settings
from adapter.settings.upstreams import DEFAULT, UpstreamSettings
from adapter.upstream.routing.registry import Registry
from translators.errors import RequestError
from translators.failures.classes import classify_http_error
from translators.notes import Notes
from translators.reasoning.fields import THINKING_MEMBERS
from translators.responses.items import FunctionCall
from translators.responses.response import Response
from translators.to_responses.answer import AnswerReader
from translators.wire import NotJSON, decode, encode

JSON = dict[str, Any]
Verdict = Literal["ok", "no", "error"]

_MOST_BYTES: Final = 4 * 1024 * 1024
_MOST_TOKENS: Final = 1024
"""Room to think for models that do so before they say a word."""

_CITY: Final = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
_WEATHER: Final = {"type": "function", "name": "get_weather", "parameters": _CITY}
_REASONING: Final = re.compile(
    rf'"({"|".join(THINKING_MEMBERS)})"\s*:\s*(?:"[^"]|[\[{{])|(<think>)'.encode()
)


class Result(NamedTuple):
    name: str
    verdict: Verdict
    seconds: float
    detail: str
    basic: bool
    """The adapter cannot work without it."""

    @property
    def ok(self) -> bool:
        return self.verdict == "ok"


class Answer(NamedTuple):
    """One HTTP answer, its body read."""

    status: int
    headers: Any
    body: bytes
    pieces: int
    """How many reads brought the body: a stream that comes in one piece was held back on its way."""
    first: float
    """Seconds until the first of them."""


class Pointless(Exception):
    """Nothing that could still be asked would be answered."""


class Unanswered(Exception):
    """This call got no answer."""


def run_probes(
    settings: Settings, model: str | None, upstream: UpstreamSettings | None = None
) -> Iterator[Result]:
    """Yield the result of each probe of an upstream, if none is named the first one, as it is known.

    A check that stops early ends with why.
    """
    upstream = upstream or settings.all_upstreams()[0]
    provider = Provider(settings, upstream)
    model = _own_name(settings, upstream, model)
    chosen = model or ""

    def list_models() -> tuple[Verdict, str]:
        nonlocal chosen
        verdict, detail, first = provider.models()
        chosen = model or first
        return verdict, detail

    probes: list[tuple[str, bool, Callable[[], tuple[Verdict, str]]]] = [
        ("models", model is None, list_models),
        ("completion", True, lambda: provider.completion(chosen)),
        ("streaming", True, lambda: provider.streaming(chosen)),
        ("usage in streams", False, lambda: provider.usage(chosen)),
        ("tool calls", False, lambda: provider.tools(chosen)),
        ("json_schema", False, lambda: provider.schema(chosen)),
        ("reasoning", False, lambda: provider.reasoning(chosen)),
        ("developer role", False, lambda: provider.developer(chosen)),
    ]
    for at in range(1, len(upstream.keys)):
        probes.append((f"key {at + 1} of {len(upstream.keys)}", True, partial(provider.other_key, at, lambda: chosen)))
    for name, basic, probe in probes:
        begun = time.monotonic()
        last = False
        try:
            verdict, detail = probe()
        except Unanswered as error:
            verdict, detail = "error", str(error)
        except Pointless as error:
            verdict, detail, last = "error", str(error), True
        if not chosen and not last:
            detail, last = detail + " Name a model with --model.", True
        yield Result(name, verdict, time.monotonic() - begun, detail, basic)
        if last:
            return


def report(result: Result) -> str:
    """Return a result as one line of a table."""
    return f"  {result.name:<18}{result.verdict:<7}{result.seconds:5.1f} s  {result.detail}"


class Provider:
    """The provider under test. Each probe returns its verdict and a detail for people."""

    def __init__(self, settings: Settings, upstream: UpstreamSettings) -> None:
        self._settings = settings
        self._upstream = upstream
        self._advice = "set ADAPTER_UPSTREAM_API_KEY"
        if upstream.name != DEFAULT:
            self._advice = f"set upstreams.{upstream.name}.key in {settings.config}"
            if upstream.callers_key:
                self._advice = "callers bring their own, and a check has none"
        self._session = requests.Session()
        self._session.headers.update({name: of.value for name, of in upstream.headers.items()})
        if upstream.keys:
            self._use(0)
        self._streamed: Notes | None = None
        """What a stream that came was noted for."""
        self._seen = b""
        """All answers so far, for the names of fields in them."""

    def _use(self, key: int) -> None:
        self._session.headers["Authorization"] = f"Bearer {self._upstream.keys[key].value}"

    def other_key(self, key: int, model: Callable[[], str]) -> tuple[Verdict, str]:
        """Ask with another key; a wrong one says nothing about those behind it."""
        self._use(key)
        try:
            return self.completion(model())
        except Pointless as error:
            raise Unanswered(str(error)) from None

    def models(self) -> tuple[Verdict, str, str]:
        """Return verdict, detail and the first model's name ("" if there is none)."""
        answer = self._call("GET", "/models")
        if answer.status != 200:
            return "no", self._refusal(answer), ""
        try:
            found = decode(answer.body)
            ids = [card["id"] for card in (found["data"] if isinstance(found, dict) else found)]
        except (*NotJSON, KeyError, TypeError):
            return "no", "the list of models is in no known form.", ""
        if not ids:
            return "no", "the list of models is empty.", ""
        return "ok", f"{len(ids)} models, the first is {ids[0]}" if len(ids) > 1 else str(ids[0]), str(ids[0])

    def completion(self, model: str) -> tuple[Verdict, str]:
        answer, response = self._ask({"model": model, "input": "Reply with one word: ready"})
        return ("no", answer) if response is None else ("ok", _said(response))

    def streaming(self, model: str) -> tuple[Verdict, str]:
        notes = Notes()
        answer = self._post({"model": model, "input": "Count from one to ten, in words.", "stream": True})
        response = self._read(answer, notes)
        if response is None:
            return "no", self._refusal(answer)
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            return "no", "the answer to a streamed request came as a whole"
        if response.status == "failed":
            return "no", _failure(response)
        self._streamed = notes
        return "ok", f"first piece after {answer.first:.2f} s, {answer.pieces} pieces"

    def usage(self, _: str) -> tuple[Verdict, str]:
        """Look whether the stream of the probe before brought a usage."""
        if self._streamed is None:
            return "error", "nothing was streamed"
        if any(note.param == "usage" for note in self._streamed):
            return "no", "none is sent; the adapter estimates it"
        return "ok", "include_usage is honoured"

    def tools(self, model: str) -> tuple[Verdict, str]:
        request = {"model": model, "input": "What is the weather in Paris? Use get_weather.", "tools": [_WEATHER]}
        detail, response = self._ask(request)
        if response is None:
            return "no", detail
        calls = [item for item in response.output if isinstance(item, FunctionCall)]
        if not calls:
            return "no", f"no call came; {_said(response)}"
        return "ok", f"{calls[0].name}({calls[0].arguments})"

    def schema(self, model: str) -> tuple[Verdict, str]:
        form = {"type": "json_schema", "name": "city", "schema": _CITY, "strict": True}
        request = {"model": model, "input": "Name the capital of France, as JSON.", "text": {"format": form}}
        detail, response = self._ask(request)
        if response is None:
            return "no", detail
        try:
            fits = isinstance(json.loads(_text(response))["city"], str)
        except (ValueError, KeyError, TypeError):
            fits = False
        return ("ok", _said(response)) if fits else ("no", f"the schema was not kept; {_said(response)}")

    def reasoning(self, model: str) -> tuple[Verdict, str]:
        """Look for thinking in all answers so far, else ask for it."""
        if found := self._reasoning_field():
            return "ok", f"in {found}"
        detail, response = self._ask(
            {"model": model, "input": "What is 17 times 23?", "reasoning": {"effort": "low"}}
        )
        if response is None:
            return "no", f"reasoning_effort is refused: {detail}"
        if found := self._reasoning_field():
            return "ok", f"in {found}, with reasoning_effort"
        return "no", "none is sent, with reasoning_effort or without"

    def developer(self, model: str) -> tuple[Verdict, str]:
        """Ask with the role itself: the adapter's own way is to send system messages where it is not known."""
        messages = [
            {"role": "developer", "content": "You answer with one word."},
            {"role": "user", "content": "Are you ready?"},
        ]
        answer = self._call("POST", "/chat/completions", encode({"model": model, "messages": messages}))
        response = self._read(answer)
        if response is None or response.status == "failed":
            return "no", "refused; the adapter sends system messages"
        return "ok", _said(response)

    def _reasoning_field(self) -> str | None:
        found = _REASONING.search(self._seen)
        return (found[1] or found[2]).decode() if found else None

    def _ask(self, request: JSON) -> tuple[str, Response | None]:
        """Return a response that did not fail, or the reason and None."""
        answer = self._post(request)
        response = self._read(answer)
        if response is None:
            return self._refusal(answer), None
        return ("", response) if response.status != "failed" else (_failure(response), None)

    def _post(self, request: JSON) -> Answer:
        request = {"max_output_tokens": _MOST_TOKENS, **request}
        body = translate(encode(request), self._settings, Notes(), self._upstream).json
        return self._call("POST", "/chat/completions", body)

    def _refusal(self, answer: Answer) -> str:
        said = f"{answer.status}: {_message(answer)}"
        if answer.status == 404 and not urlsplit(self._upstream.url).path:
            return f"{said} Is the base URL right? It often ends in /v1."
        return said

    def _read(self, answer: Answer, notes: Notes | None = None) -> Response | None:
        """Return the response that an answer becomes; None for one that is an HTTP error."""
        if answer.status != 200:
            return None
        stream = new_stream(self._settings, Notes() if notes is None else notes)
        reader = AnswerReader(stream)
        reader.feed(answer.body)
        reader.finish(NOW)
        return stream.response

    def _call(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Return the answer to one call; raise Unanswered or Pointless."""
        url = f"{self._upstream.url}{path}"
        limit = self._upstream.timeout
        begun = time.monotonic()
        try:
            with self._session.request(
                method,
                url,
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=(self._upstream.connect_timeout, limit),
                stream=True,
            ) as response:
                first, pieces, size = 0.0, [], 0
                for piece in response.iter_content(None):
                    first = first or time.monotonic() - begun
                    pieces.append(piece)
                    size += len(piece)
                    if time.monotonic() - begun > limit or size > _MOST_BYTES:
                        raise Unanswered("the answer does not end.")
        except requests.Timeout:
            raise Unanswered(f"no answer within {limit:g} s.") from None
        except requests.ConnectionError as error:
            raise Pointless(f"cannot reach {self._upstream.url}: {_cause(error)}.") from None
        except requests.RequestException as error:
            raise Unanswered(f"the answer is not valid HTTP: {error}.") from None
        answer = Answer(response.status_code, response.headers, b"".join(pieces), len(pieces), first)
        self._seen += answer.body
        if answer.status in (401, 403):
            raise Pointless(f"{answer.status}, no or a wrong key: {self._advice}. {_message(answer)}")
        _refuse_page(answer)
        return answer


def _own_name(settings: Settings, upstream: UpstreamSettings, model: str | None) -> str | None:
    """Return what a model is called at an upstream; without a model, the first that the settings have there."""
    targets = [target for targets in settings.models.values() for target in targets if target.upstream == upstream.name]
    if model is None:
        return next((target.model for target in targets if "*" not in target.model), None)
    registry = Registry(settings.all_upstreams(), settings.models, now=lambda: NOW)
    try:
        candidates = registry.serving(model)
    except RequestError:
        return model
    return next((one.model for one in candidates if one.upstream == upstream.name), model)


def _refuse_page(answer: Answer) -> None:
    if answer.body.lstrip()[:1] == b"<":
        raise Pointless(f"{answer.status}, a web page instead of JSON: is the base URL right? It often ends in /v1.")


def _message(answer: Answer) -> str:
    return classify_http_error(answer.status, answer.headers, answer.body, own_key=False).message.strip()[:200]


def _failure(response: Response) -> str:
    return response.error.message if response.error is not None else response.status


def _text(response: Response) -> str:
    parts = [part for item in response.output for part in getattr(item, "content", None) or ()]
    return "".join(getattr(part, "text", "") for part in parts)


def _said(response: Response) -> str:
    """Quote the beginning of what was said."""
    text = " ".join(_text(response).split())
    if not text:
        return "an empty answer"
    return f'"{text}"' if len(text) <= 60 else f'"{text[:59]}…"'


def _cause(error: BaseException) -> str:
    """Return the system's words for a failed connection, without the layers around them."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror and not isinstance(inner, requests.RequestException):
            return inner.strerror
        reason = getattr(inner, "reason", None) or (inner.args[0] if inner.args else None)
        inner = inner.__cause__ or (reason if isinstance(reason, BaseException) else None) or inner.__context__
    return "the connection failed"

