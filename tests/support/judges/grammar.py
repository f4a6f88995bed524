"""The grammar of a Responses stream: what may follow what, and that it adds up.

`check_stream` reads the events of one whole stream and rebuilds the response from what was streamed alone:
items from their `added`, parts from their deltas. Every `done` and the terminal response must say exactly
what was rebuilt. What is open is an object: `_Item` while its `done` is due, `_Part` within it. Nothing is shared
with the machine, so that one mistake cannot hide another. Sources: docs/stream-laws.md; Open Responses
specification, Streaming.
"""

from typing import Any

from tests.support.judges.hosted import HostedItem, is_hosted
from tests.support.judges.response import ARGUMENTS, EMPTY_PARTS, TYPED, check_item, check_response

Event = dict[str, Any]

PROGRESS = frozenset(
    ("status", "output", "usage", "tool_usage", "error", "incomplete_details", "completed_at", "service_tier")
)
"""The members that may differ between the snapshots of one response."""

ONGOING = {
    "response.created": ((None,), ("queued", "in_progress")),
    "response.queued": (("created",), ("queued",)),
    "response.in_progress": (("created", "queued", "in_progress"), ("in_progress",)),
}
"""What an event comes after, and the status of its response; a repeated in_progress says that all is well."""

TERMINAL = {
    "response.completed": ("completed",),
    "response.incomplete": ("incomplete",),
    "response.failed": ("failed", "cancelled"),
}
IMAGE = ("in_progress", "generating", "completed")
"""The stages of an image, each an event between its `added` and its `done`."""
_OF_IMAGE = ("output_format", "background", "quality", "size", "revised_prompt")
PARTS_OF = {"message": ("output_text", "refusal"), "reasoning": ("summary_text", "reasoning_text")}
STREAMED = {
    "output_text": ("response.output_text", "text"),
    "refusal": ("response.refusal", "refusal"),
    "reasoning_text": ("response.reasoning_text", "text"),
    "summary_text": ("response.reasoning_summary_text", "text"),
}
"""By part: the name its delta and done events begin with, and the member that its deltas add up to."""


def check_stream(events: list[Event]) -> Event:
    """Return the terminal response; raise AssertionError naming the event that breaks a rule."""
    stream = _Stream()
    for position, event in enumerate(events):
        try:
            stream.read(position, event)
        except (AssertionError, KeyError, TypeError) as error:
            what = f"lacks {error}" if isinstance(error, KeyError) else str(error)
            raise AssertionError(f"event {position} ({event.get('type')}): {what}\n{event}") from error
    assert stream.terminal is not None, f"the stream of {len(events)} events has no terminal event"
    return stream.terminal


class _Stream:
    """A stream, as far as it has been read."""

    def __init__(self) -> None:
        self.first: Event | None = None
        self.terminal: Event | None = None
        self.phase: str | None = None
        """Which of the ongoing events came last."""
        self.item: _Item | _Hosted | None = None
        self.output: list[Event] = []
        self.names: set[str] = set()
        """Item ids and call_ids that are taken."""

    def read(self, position: int, event: Event) -> None:
        assert self.terminal is None, "an event after the terminal one"
        assert event["sequence_number"] == position, f"sequence_number is not {position}"
        kind = event["type"]
        if "response" in event:
            self._read_snapshot(kind, event["response"])
            return
        assert self.phase == "in_progress", "an item before response.in_progress"
        if kind == "response.output_item.added":
            self._add_item(event)
            return
        assert self.item is not None, "no item is open"
        assert event["output_index"] == self.item.index, f"the open item has output_index {self.item.index}"
        if kind == "response.output_item.done":
            self.output.append(self.item.finished(event["item"]))
            self.item = None
        elif kind.startswith("response.shell_call_command."):
            assert isinstance(self.item, _Item)
            self.item.read_command(kind.rpartition(".")[2], event)
        else:
            assert event["item_id"] == self.item.id, f"the open item is {self.item.id}"
            self.item.read(kind, event)

    def _add_item(self, event: Event) -> None:
        assert self.item is None, "another item is open"
        assert event["output_index"] == len(self.output), f"output_index is not {len(self.output)}"
        kind = _Hosted if is_hosted(event["item"]) else _Item
        self.item = kind(event["output_index"], event["item"])
        for name in {event["item"]["id"], event["item"].get("call_id") or event["item"]["id"]}:
            assert name not in self.names, f"{name} is taken"
            self.names.add(name)

    def _read_snapshot(self, kind: str, response: Event) -> None:
        check_response(response)
        if self.first is None:
            assert kind == "response.created", "the first event is not response.created"
            self.first = response
        changed = {
            key
            for key in (self.first.keys() | response.keys()) - PROGRESS
            if self.first.get(key) != response.get(key)
        }
        assert not changed, f"{sorted(changed)} differ from the first snapshot"
        if kind in TERMINAL:
            self._end(kind, response)
        else:
            self._go_on(kind, response)

    def _go_on(self, kind: str, response: Event) -> None:
        assert kind in ONGOING, "not an event of the grammar"
        before, statuses = ONGOING[kind]
        assert self.phase in before, f"comes after {self.phase}"
        assert response["status"] in statuses, f"its response is {response['status']}"
        output = response["output"]
        assert output == self.output[: len(output)], "its output is not what is done so far"
        self.phase = kind.removeprefix("response.")

    def _end(self, kind: str, response: Event) -> None:
        assert self.phase == "in_progress", f"comes after {self.phase}"
        assert response["status"] in TERMINAL[kind], f"its response is {response['status']}"
        assert self.item is None, f"item {self.item and self.item.id} was never done"
        assert response["output"] == self.output, f"its output is not the items done: {self.output}"
        self.terminal = response


class _Hosted:
    """An item of a hosted tool between its `added` and its `done`."""

    def __init__(self, index: int, added: Event) -> None:
        check_item(added)
        assert added.get("status", "in_progress") == "in_progress", "an item begins in_progress"
        self.index = index
        self.id: str = added["id"]
        self._item = HostedItem(added)

    def read(self, kind: str, event: Event) -> None:
        self._item.read(event)

    def finished(self, done: Event) -> Event:
        check_item(done)
        self._item.check(done)
        return done


class _Item:
    """An item between its `added` and its `done`."""

    def __init__(self, index: int, added: Event) -> None:
        check_item(added)
        assert added.get("status", "in_progress") == "in_progress", "an item begins in_progress"
        self.index = index
        self.id: str = added["id"]
        self.part: _Part | None = None
        self.added = added
        self.parts: list[Event] = []
        self.arguments: list[str] = []
        self.whole: str | None = None
        """The arguments in their own done event."""
        for member in ("content", "summary", *ARGUMENTS.values()):
            assert not added.get(member), f"an item begins with empty {member}"
        for member, empty in TYPED.get(added["type"], {}).items():
            assert added.get(member) == empty, f"it begins with {member} {empty}"
        self.commands: list[list[str]] = []
        """Each command of a shell call: its text so far, and "done" behind it after its done event."""
        self.stages: list[str] = []
        """The stages of an image that have come."""

    def read(self, kind: str, event: Event) -> None:
        stem, _, last = kind.rpartition(".")
        if stem in ("response.content_part", "response.reasoning_summary_part"):
            self._read_part(stem, last, event)
        elif stem in ("response.function_call_arguments", "response.custom_tool_call_input"):
            self._read_arguments(stem, last, event)
        elif kind == "response.image_generation_call.partial_image":
            assert tuple(self.stages) == IMAGE[:2], f"comes after {self.stages}"
            assert event["partial_image_b64"]
        elif stem == "response.image_generation_call":
            self.stages.append(last)
            assert self.added["type"] == "image_generation_call", f"a {self.added['type']} is no image"
            assert tuple(self.stages) == IMAGE[: len(self.stages)], f"comes after {self.stages[:-1]}"
        elif kind == "response.compaction.compacting":
            assert self.added["type"] == "compaction", f"a {self.added['type']} is no compaction"
        else:
            assert self.part is not None, "no part is open"
            self.part.read(stem, last, event)

    def read_command(self, last: str, event: Event) -> None:
        assert self.added["type"] == "shell_call", f"a {self.added['type']} has no commands"
        if last == "added":
            self.commands.append([event["command"]])
        assert event["command_index"] == len(self.commands) - 1, f"the open command is {len(self.commands) - 1}"
        command = self.commands[-1]
        if last == "delta":
            command[0] += event["delta"]
        elif last == "done":
            assert event["command"] == command[0], f"the deltas say {command[0]!r}"
            command.append("done")

    def _read_part(self, stem: str, last: str, event: Event) -> None:
        summary = stem == "response.reasoning_summary_part"
        if last == "added":
            assert self.part is None, "another part is open"
            self.part = _Part(event["part"], len(self.parts))
            kind, owner = self.part.kind, self.added["type"]
            assert kind in PARTS_OF.get(owner, ()), f"{kind} is no part of a {owner}"
            assert (kind == "summary_text") == summary, f"{kind} has events of its own"
            self.part.check_index(event)
        else:
            assert last == "done", "not an event of the grammar"
            assert self.part is not None, "no part is open"
            self.part.check_index(event)
            self.parts.append(self.part.finished(event["part"]))
            self.part = None

    def _read_arguments(self, stem: str, last: str, event: Event) -> None:
        member = ARGUMENTS.get(self.added["type"])
        stems = {"arguments": "response.function_call_arguments", "input": "response.custom_tool_call_input"}
        assert member is not None, f"a {self.added['type']} has no arguments"
        assert stem == stems[member], f"not the event for a {self.added['type']}"
        assert self.whole is None, "the arguments were done"
        if last == "delta":
            self.arguments.append(event["delta"])
            return
        assert last == "done", "not an event of the grammar"
        self.whole = event[member]
        assert self.whole == "".join(self.arguments), f"the deltas say {''.join(self.arguments)!r}"
        if member == "arguments":
            assert event["name"] == self.added["name"], "another name than the item's"

    def finished(self, done: Event) -> Event:
        """Return the finished item; raise AssertionError unless it is what its events add up to."""
        assert self.part is None, "a part is still open"
        check_item(done)
        expected = dict(self.added)
        if self.added["type"] == "message":
            expected["content"] = self.parts
        elif self.added["type"] == "reasoning":
            expected["summary"] = [part for part in self.parts if part["type"] == "summary_text"]
            if raw := [part for part in self.parts if part["type"] == "reasoning_text"]:
                expected["content"] = raw
        elif self.added["type"] in TYPED:
            expected |= {member: done[member] for member in TYPED[self.added["type"]]}
            if self.added["type"] == "shell_call":
                assert self.commands == [[command, "done"] for command in done["action"]["commands"]]
            if self.added["type"] == "image_generation_call":
                stages = IMAGE[:-1] if done["status"] == "failed" else IMAGE
                assert tuple(self.stages) == stages, f"its stages are {self.stages}"
                expected |= {key: done[key] for key in _OF_IMAGE if key in done}
        else:
            assert self.whole is not None, "the arguments were never done"
            expected[ARGUMENTS[self.added["type"]]] = self.whole
        if "status" in expected:
            cut = "in_progress" if self.added["type"] == "apply_patch_call" else "incomplete"
            ends = ("completed", "failed") if self.added["type"] == "image_generation_call" else ("completed", cut)
            assert done["status"] in ends, f"done, but {done['status']}"
            expected["status"] = done["status"]
        sealed = {key: done[key] for key in ("encrypted_content",) if key in done}
        assert done == expected | sealed, f"its events add up to {expected}"
        return done


class _Part:
    """A content or summary part between its `added` and its `done`."""

    def __init__(self, added: Event, index: int) -> None:
        self.kind: str = added["type"]
        self.index = index
        assert added == EMPTY_PARTS[self.kind], f"a part begins as {EMPTY_PARTS[self.kind]}"
        self.stem, self.member = STREAMED[self.kind]
        self.deltas: list[str] = []
        self.logprobs: list[Any] = []
        self.annotations: list[Any] = []
        self.is_done = False
        """The done event of its text has come."""

    def check_index(self, event: Event) -> None:
        member = "summary_index" if self.kind == "summary_text" else "content_index"
        assert event[member] == self.index, f"{member} is not {self.index}"

    def read(self, stem: str, last: str, event: Event) -> None:
        self.check_index(event)
        assert not self.is_done, "the text was done"
        if stem == "response.output_text.annotation" and self.kind == "output_text":
            assert event["annotation_index"] == len(self.annotations), f"not {len(self.annotations)}"
            self.annotations.append(event["annotation"])
            return
        assert stem == self.stem, f"the open part is {self.kind}"
        if last == "delta":
            self.deltas.append(event["delta"])
            self.logprobs += event["logprobs"] if self.kind == "output_text" else []
            return
        assert last == "done", "not an event of the grammar"
        assert event[self.member] == "".join(self.deltas), f"the deltas say {''.join(self.deltas)!r}"
        if self.kind == "output_text":
            assert event["logprobs"] == self.logprobs, "other logprobs than the deltas'"
        self.is_done = True

    def finished(self, done: Event) -> Event:
        assert self.is_done, "the part's text was never done"
        expected = {**EMPTY_PARTS[self.kind], self.member: "".join(self.deltas)}
        if self.kind == "output_text":
            expected |= {"annotations": self.annotations, "logprobs": self.logprobs}
            for cited in self.annotations:
                at = [cited["index"]] * 2 if "index" in cited else [cited["start_index"], cited["end_index"]]
                assert 0 <= at[0] <= at[1] <= len(expected["text"]), f"outside of it: {cited}"
        assert done == expected, f"its events add up to {expected}"
        return done
