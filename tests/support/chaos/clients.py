"""Clients of every kind that hold each answer against what was promised."""

import json
import random
import threading
from collections import Counter
from contextlib import suppress
from http.client import HTTPException
from time import monotonic, sleep
from typing import Any, NamedTuple

from websockets.exceptions import WebSocketException

from tests.support.chaos.provider import FaultyProvider
from tests.support.client import Answer
from tests.support.judges.sse import parse_sse
from tests.support.servers.service import Service
from tests.support.websocket import TERMINAL, Socket

KINDS = {"stream": 35, "whole": 25, "background": 20, "continued": 10, "websocket": 10}
PATIENCE = 60.0
MOST_PAUSE = 1.0
"""Before a request, so that the faults last for few of them."""


class Cause(NamedTuple):
    """Something that may cut connections, from one time of the monotonic clock to another."""

    name: str
    since: float
    until: float


class Unreadable(Exception):
    """An answer that is neither an error nor whole."""


class Clients:
    """All clients together; `ask` may be called from many threads."""

    def __init__(self, service: Service, provider: FaultyProvider, seed: int) -> None:
        self.results: Counter[str] = Counter()
        self.details: list[str] = []
        self._service = service
        self._random = random.Random(seed + 1)
        self._lock = threading.Lock()
        self._stored: dict[str, str] = {}
        """Text of each response that was answered as completed and stored."""
        self._accepted: list[str] = []
        """Background responses."""
        self._cuts: list[tuple[str, float, float]] = []
        """Which request had its connection cut or refused, when it began and when it ended, of the monotonic clock."""

    def ask(self, number: int) -> None:
        """Send one request of a random kind, and count how it ended."""
        with self._lock:
            kind = self._random.choices(list(KINDS), list(KINDS.values()))[0]
            previous = self._random.choice(list(self._stored)) if self._stored else None
            pause = self._random.random() * MOST_PAUSE
        sleep(pause)
        members: dict[str, Any] = {"model": "m", "input": f"request-{number}-mark Hello"}
        if kind == "continued" and previous is not None:
            members["previous_response_id"] = previous
        begun = monotonic()
        try:
            result = getattr(self, f"_{kind}")(members)
        except Unreadable as error:
            result = "unreadable"
            self.details.append(f"{kind} {number}: {error}")
        except (OSError, HTTPException, WebSocketException, EOFError) as error:
            result = "hung" if isinstance(error, TimeoutError) and monotonic() - begun > 25 else "connection cut"
            if result == "connection cut":
                self._cuts.append((f"{kind} {number}: {type(error).__name__}", begun, monotonic()))
        with self._lock:
            self.results[result] += 1

    def _whole(self, members: dict[str, Any]) -> str:
        return self._judge_answer(self._service.post(members))

    _continued = _whole

    def _stream(self, members: dict[str, Any]) -> str:
        with self._service.open("POST", "/v1/responses", {**members, "stream": True}) as exchange:
            body = exchange.rest()
            if exchange.status != 200:
                return self._judge_answer(Answer(exchange.status, exchange.headers, body))
        if not body.endswith(b"data: [DONE]\n\n"):
            raise Unreadable(f"no end: {body[-200:]!r}")
        return self._judge_events(parse_sse(body))

    def _background(self, members: dict[str, Any]) -> str:
        answer = self._service.post({**members, "background": True})
        if answer.status != 200:
            return self._judge_answer(answer)
        with self._lock:
            self._accepted.append(answer.json["id"])
        return "in the background"

    def _websocket(self, members: dict[str, Any]) -> str:
        with Socket(self._service) as connection:
            connection.send(members.pop("input"), **members)
            events = [connection.receive()]
            while events[-1]["type"] not in (*TERMINAL, "error"):
                events.append(connection.receive())
        return "error" if events[-1]["type"] == "error" else self._judge_events(events)

    def _judge_answer(self, answer: Answer) -> str:
        try:
            value = json.loads(answer.body)
        except ValueError:
            raise Unreadable(f"{answer.status}: {answer.body[:200]!r}") from None
        if answer.status != 200:
            if value.keys() != {"error"} or not value["error"]["message"]:
                raise Unreadable(f"{answer.status}: {value}")
            return f"error {answer.status}"
        return self._keep(value)

    def _judge_events(self, events: list[dict[str, Any]]) -> str:
        ends = [event for event in events if event["type"] in TERMINAL]
        if len(ends) != 1 or ends[0] is not events[-1]:
            raise Unreadable(f"{len(ends)} ends among {len(events)} events")
        if [event["sequence_number"] for event in events] != list(range(len(events))):
            raise Unreadable("a gap between events")
        return self._keep(ends[0]["response"])

    def _keep(self, response: dict[str, Any]) -> str:
        if response["status"] == "completed":
            with self._lock:
                self._stored[response["id"]] = json.dumps(response["output"])
        return str(response["status"])

    def explain_cuts(self, causes: list[Cause]) -> Counter[str]:
        """Return how many connections each cause has cut; "" is the cause of those that none explains."""
        counts: Counter[str] = Counter()
        for what, begun, ended in self._cuts:
            cause = next((of for of in causes if begun <= of.until and of.since <= ended <= of.until), None)
            counts["" if cause is None else cause.name] += 1
            if cause is None:
                self.details.append(f"cut without a cause: {what}")
        return counts

    def verify(self) -> Counter[str]:
        """Read everything that was answered as stored, and wait for what goes on in the background."""
        counts: Counter[str] = Counter()
        for id, output in self._stored.items():
            answer = self._get(id)
            if answer is None or answer.status != 200 or json.dumps(answer.json["output"]) != output:
                counts["lost"] += 1
                self.details.append(f"lost: {id}, {answer and answer.body[:200]!r}")
        until = monotonic() + PATIENCE
        for id in self._accepted:
            while (answer := self._get(id)) is not None and answer.status == 200:
                if answer.json["status"] not in ("queued", "in_progress"):
                    self.results[f"background {answer.json['status']}"] += 1
                    break
                if monotonic() > until:
                    answer = None
                    break
                sleep(0.2)
            if answer is None or answer.status != 200:
                counts["lost"] += 1
                self.details.append(f"background: {id}, {answer and answer.body[:200]!r}")
        return counts

    def _get(self, id: str) -> Answer | None:
        for _ in range(5):
            with suppress(OSError, HTTPException):
                return self._service.get(f"/v1/responses/{id}")
            sleep(0.5)
        return None
