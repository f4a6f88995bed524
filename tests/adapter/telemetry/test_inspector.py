"""The inspector's recordings: what is cut and masked, what the spool keeps, and that off loads nothing of it."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from itertools import groupby
from pathlib import Path

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter import create_app
from adapter.api.admin.app import create_admin_app
from adapter.api.admin.inspector import pages
from adapter.api.admin.inspector.recordings import shown
from adapter.event_loop.client_watch import ClientWatch
from adapter.flow.caller import Caller
from adapter.settings.settings import Settings
from adapter.telemetry.inspector.cuts import CUT
from adapter.telemetry.inspector.heads import RECORDED, Head, Origin, Step, is_over
from adapter.telemetry.inspector.packing import CONTENTS_LEVEL, Group, compress, decompress, gather, unpack
from adapter.telemetry.inspector.reading import read_heads
from adapter.telemetry.inspector.recorder import Recorder
from adapter.telemetry.inspector.recording import REQUEST, Recording
from adapter.telemetry.inspector.spool import MAX_AGE, MAX_RECORDINGS, Listed, Spool, open_spool
from adapter.telemetry.masks import mask_secrets, mask_tokens
from tests.support.app import make_app
from translators.errors import RequestError, UpstreamError
from translators.notes import Note, Notes
from translators.responses.echo import first_snapshot
from translators.responses.request import CreateRequest
from translators.wire import encode

KEY = "sk-hidden-0123456789"
STATIC = Path(pages.__file__).parent / "static"


def mask(data: bytes, bearer: str | None) -> bytes:
    return mask_tokens(data if bearer is None else mask_secrets(data, [bearer]))


class Owner:
    def __init__(self, origin: Origin, *, keeps_unstored: bool) -> None:
        self.keeps_unstored = keeps_unstored
        self.origin = origin
        self.in_progress: dict[Recording, None] = {}
        self.ended: dict[Recording, None] = {}


EPOCH = time.time() - time.monotonic()


def recording(id: str = "x_1_0", *, body: bytes | None = b"{}", ago: float = 0.0, keeps_unstored: bool = False,
              room: int = 1 << 20, bearer: str | None = KEY, ids: Mapping[str, str] = {}) -> Recording:  # fmt: skip
    """Return the recording of a request that began some seconds `ago`, of a number in a worker.

    `body`: None: its contents are not recorded. `ids`: of the request.
    """
    _, number, worker = id.split("_")
    began = time.monotonic() - ago
    steps: list[Step] = [("began", int(number), began, began, "/v1/responses", len(body or b""), "tenant", ids, "team")]
    owner = Owner(Origin(int(worker), EPOCH), keeps_unstored=keeps_unstored)
    if body is None:
        return Recording(owner, bearer, steps)
    return Recording(owner, bearer, [*steps, ("contents", RECORDED)], [(REQUEST, 0, began, body)], room)


def gathered(recordings: Iterable[Recording]) -> list[Group]:
    """Return what is new of recordings, as it is written: those of exchanges that are not over are apart."""
    groups: list[Group] = []
    for origin, together in groupby(recordings, lambda one: one.owner.origin):
        some = [*together]
        for one in some:
            one.origin = one.origin or (None if is_over(one.steps) else origin)
        gather(some, groups, origin)
    return groups


def head_of(one: Recording) -> Head:
    (head,) = read_heads(encode(one.steps), one.owner.origin)
    return head


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = open_spool(tmp_path / "inspector.db", 200_000, mask)
    yield opened
    opened.close()


def packed(request: bytes, secrets: Iterable[str] = ()) -> bytes:
    one = recording(body=request)
    (group,) = gathered([one])
    contents = group.pack_contents(lambda data, bearer: mask_tokens(mask_secrets(data, secrets)))
    ((id, part),) = unpack(*compress(contents, CONTENTS_LEVEL))
    assert id == "x_1_0"
    assert part.request is not None
    return part.request


@given(
    before=st.text("ab \"{}:,", max_size=3000), run=st.integers(0, 5000), after=st.text("ab \"{}:,", max_size=3000)
)
def test_every_long_run_of_base64_is_cut_and_nothing_else(before: str, run: int, after: str) -> None:
    body = f'{before}"{"Q" * run}"{after}'.encode()
    assert (CUT in packed(body)) == (run >= 2048)
    if run < 2048:
        assert packed(body) == body


def test_events_are_cut_one_by_one(spool: Spool) -> None:
    one = recording()
    image, sealed = b"Q" * 3000, b"s" * 20
    sent = [b'data: {"a":1}\n\n', b'data: {"b":"%b"}\n\n' % image, b'data: {"encrypted_content":"%b"}\n\n' % sealed]
    for data in sent:
        one.add_events(data)
    spool.write(gathered([one]))
    ((times, sizes, data),) = spool.read_contents("x_1_0").events
    assert times == sorted(times)
    assert [data[sum(sizes[:at]) : sum(sizes[: at + 1])] for at in range(3)] == [
        sent[0], b'data: {"b":"%b3000 characters, sha256 2744acd6]"}\n\n' % CUT,
        b'data: {"encrypted_content":"%b..."}\n\n' % (b"s" * 16),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "hidden"),
    [
        (b'{"a": "Bearer abcdefghijklmnopqrstuvwxyz"}', b"abcdefghijklmnopqrstuvwxyz"),
        (b'{"a": "BEARER abcdefghijklmnopqrstuvwxyz"}', b"abcdefghijklmnopqrstuvwxyz"),
        (b'{"tools":[{"type":"mcp","authorization": "s3cret"}]}', b"s3cret"),
        (b'{"tools":[{"type":"mcp","headers": {"X-Key": "s3cret"}}]}', b"s3cret"),
        (b'{"server_url":"https://mcp.example/s3cret?k=v"}', b"s3cret"),
        (b'{"file_url": "https://files.example/a?sig=s3cret"}', b"s3cret"),
        (b'{"file_url": "https://files.example?sig=s3cret"}', b"s3cret"),
        (b'{"file_url": "https://user:s3cret@files.example/a"}', b"s3cret"),
        (b'{"file_url": "https://s3cret@files.example"}', b"s3cret"),
        (b'{"file_url": "HTTPS:\\/\\/files.example\\/s3cret"}', b"s3cret"),
        (b'{"file_url": "s3cret"}', b"s3cret"),
        (b'{"tools":[{"type":"mcp","headers":{"a":{"b":"s3cret"}}}]}', b"s3cret"),
        (b'{"tools":[{"type":"mcp","headers":{"a":["x", "s3cret"], "b": 1}}]}', b"s3cret"),
        (b'{"tools":[{"type":"mcp","headers":{"a":{"b":1},"c": "s3\\"cret"}}]}', b"cret"),
        (b'{"image_url":"https://user:s3cret@images.example/a.png"}', b"s3cret"),
        (b'{"image_url":"https://images.example/a.png?sig=s3cret#b"}', b"s3cret"),
        (b'{"image_url": {"url": "HTTPS:\\/\\/images.example\\/a.png\\u003fsig=s3cret"}}', b"s3cret"),
        (b'{"image_url":{"url":"https://images.example?sig=s3cret","detail":"low"}}', b"s3cret"),
        (b'{"encrypted_content":"0123456789abcdef-sealed"}', b"sealed"),
        (b'{"encrypted_content":"sk-own-a/b.c-0123456789"}', b"sk-own"),
        (b'{"a": "own-0123456789"}', b"own-0123456789"),
        (b'{"a": "own-\\"quoted\\"-0123456789"}', b"quoted"),
    ],
)
def test_credentials_are_masked(body: bytes, hidden: bytes) -> None:
    found = packed(body, ["own-0123456789", 'own-"quoted"-0123456789', "sk-own-a/b.c-0123456789"])
    assert hidden in body
    assert hidden not in found
    json.loads(found)


@pytest.mark.parametrize(
    "body",
    [
        b'{"tools":[{"type":"function","parameters":{"properties":{"headers":{"type":"object"}}}}]}',
        b'{"tools":[{"type":"mcp","headers":{}}]}',
        b'{"image_url":"https://images.example:8443/a/b.png"}',
        b'{"image_url":"data:image/png;base64,AA?@=="}',
        b'{"input":"\\"image_url\\":\\"https://a.example?b\\""}',
    ],
)
def test_what_is_no_credential_is_shown(body: bytes) -> None:
    assert packed(body) == body


def test_urls_are_masked_wherever_a_request_leads(spool: Spool) -> None:
    one = recording(body=b'{"tools":[{"server_url":"https://mcp.example/s3cret"}]}')
    one.begin_attempt("default", "m", None, (), 0.0, b'{"image_url":{"url":"https://u:s3cret@images.example/a"}}')
    one.add_chunk(b'data: {"server_url":"a text of the model"}')
    one.add_events(b'data: {"response":{"tools":[{"server_url":"https://mcp.example/s3cret"}]}}\n\n')
    spool.write(gathered([one]))
    part = spool.read_contents("x_1_0")
    assert part.request == b'{"tools":[{"server_url":"https://mcp.example*******"}]}'
    assert part.chats == [(0, b'{"image_url":{"url":"https://*********images.example/a"}}')]
    assert part.chunks[0][3] == b'data: {"server_url":"a text of the model"}'
    assert part.events[0][2] == b'data: {"response":{"tools":[{"server_url":"https://mcp.example*******"}]}}\n\n'


def test_the_host_of_a_tool_server_is_shown() -> None:
    assert packed(b'{"server_url":"https://mcp.example:8443/a"}') == b'{"server_url":"https://mcp.example:8443**"}'


def test_a_mask_has_the_length_of_what_it_hides() -> None:
    assert packed(b'{"a":"own-0123456789"}', ["own-0123456789"]) == b'{"a":"**************"}'


def test_contents_of_requests_that_are_not_stored_are_not_recorded() -> None:
    for keeps_unstored in (False, True):
        one = recording(keeps_unstored=keeps_unstored)
        one.withhold_unstored()
        assert bool(one.take()) == keeps_unstored
        refused = recording(body=b'{"model": 5, "store" : false}', keeps_unstored=keeps_unstored)
        refused.refuse(RequestError("wrong"))
        assert bool(refused.take()) == keeps_unstored


def test_an_exchange_beyond_its_room_is_cut_and_says_so(spool: Spool) -> None:
    one = recording(room=1000)
    one.begin_attempt("default", "m", None, (), 0.0, b'{"messages":[]}')
    for _ in range(100):
        one.add_chunk(b"x y " * 25)
    spool.write(gathered([one]))
    found = spool.find("x_1_0")
    assert found is not None
    assert found.head.contents == "recorded, but only its beginning: it is too large"
    contents = spool.read_contents("x_1_0")
    assert contents.request == b"{}"
    assert len(contents.chunks[0][3]) == 900


def whole(id: str, body: bytes | None = b"{}", bearer: str | None = KEY) -> Recording:
    """Return the recording of an exchange that is over before it is written."""
    one = recording(id, body=body, bearer=bearer)
    one.refuse(RequestError("wrong"))
    return one


def noise(id: str) -> bytes:
    """Return a body that cannot be compressed much."""
    return json.dumps({"a": id, "b": os.urandom(700).hex()}).encode()


def count(spool_file: Path, query: str) -> int:
    with closing(sqlite3.connect(spool_file)) as connection:
        found: int = connection.execute(f"SELECT COUNT(*) FROM {query}").fetchone()[0]
        return found


@pytest.mark.parametrize("goes_on", [True, False])
def test_recordings_that_are_written_together_keep_their_own_contents(
    spool: Spool, tmp_path: Path, goes_on: bool
) -> None:
    bodies = {f"x_{number}_0": b"%d " % number * 100_000 for number in range(17)}
    together = [recording(id, body=None if id == "x_3_0" else body) for id, body in bodies.items()]
    for one in () if goes_on else together:
        one.refuse(RequestError("wrong"))
    spool.write(gathered(together))
    assert {id: spool.read_contents(id).request for id in bodies} == {**bodies, "x_3_0": None}
    assert {id: part.request for id, part in spool.read_all_contents() if part.request} == {
        id: body for id, body in bodies.items() if id != "x_3_0"
    }
    assert {one.head.id for one in spool.latest(100)} == set(bodies)
    assert all((found := spool.find(id)) and found.head.id == id for id in bodies)
    rows = count(tmp_path / "inspector.db", "recordings")
    assert rows == (17 if goes_on else 7), "about half a megabyte in each row"


def test_an_empty_body_is_recorded(spool: Spool) -> None:
    spool.write(gathered([whole("x_1_0", b"")]))
    spool.write(gathered([whole("x_2_0", b""), whole("x_3_0", b"{}")]))
    assert [spool.read_contents(f"x_{number}_0").request for number in (1, 2, 3)] == [b"", b"", b"{}"]


def test_each_callers_key_is_masked_in_what_is_written_together(spool: Spool, tmp_path: Path) -> None:
    keys = [None, "sk-hidden-a", "sk-hidden-b", "sk-hidden-a", None]
    together = [
        whole(f"x_{number}_0", b'{"a":"%b"}' % (key or "sk-hidden-a").encode(), bearer=key)
        for number, key in enumerate(keys)
    ]
    spool.write(gathered(together))
    found = [spool.read_contents(f"x_{number}_0").request for number in range(len(keys))]
    assert found == [b'{"a":"%b"}' % (b"sk-hidden-a" if key is None else b"*" * 11) for key in keys]
    assert count(tmp_path / "inspector.db", "recordings") == 1


NAMES = ["began", "attempt", "asked", "notes", "param", "dropped", "output_tokens", "reason", "12345678", "default"]


@pytest.mark.parametrize("key", NAMES)
def test_a_callers_key_may_be_any_word_of_a_line(key: str, spool: Spool) -> None:
    one = whole("x_1234567890_7", None, key)
    one.steps.append(("asked", f"a {key}", None, None))
    one.begin_attempt("default", "m", None, (), 0.0, b"")
    notes = Notes()
    notes.add("input", "dropped", f"{key} and more")
    response = first_snapshot(CreateRequest(model="m", input=(), raw_input=b"[]"), "resp_1", 0)
    one.close_response(response, notes, time.monotonic())
    spool.write(gathered([one, whole("x_2_7")]))
    later, masked = spool.latest(9)
    asterisks = "*" * len(key)
    assert (later.head.id, masked.head.id) == ("x_2_7", "x_1234567890_7")
    assert (masked.head.model, masked.head.request_bytes) == (f"a {asterisks}", 0)
    assert masked.head.notes == (Note("input", "dropped", f"{asterisks} and more"),)
    assert [attempt.upstream for attempt in masked.head.attempts] == [asterisks if key == "default" else "default"]
    found = spool.find("x_1234567890_7")
    assert found is not None
    assert found.head == masked.head


def test_whether_contents_are_recorded_is_known_whatever_the_key(spool: Spool) -> None:
    spool.write(gathered([whole("x_1_0", b'{"a":"recorded"}', "recorded")]))
    (listed,) = spool.latest(9)
    assert (listed.head.contents, spool.read_contents("x_1_0").request) == (RECORDED, b'{"a":"********"}')


def test_what_no_utf8_has_fails_no_request(spool: Spool) -> None:
    odd, other = recording("x_1_7", body=None, ids={"request_id": "req_\udcff"}), whole("x_2_7", None)
    odd.steps.append(("asked", "m-\ud800", None, None))
    odd.refuse(RequestError("wrong"))
    spool.write(gathered([odd, other]))
    assert {one.head.id: (one.head.model, one.head.request_id) for one in spool.latest(9)} == {
        "x_1_7": ("m-?", "req_?"), "x_2_7": ("", None)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "model", "is_kept"),
    [
        (b'{"input": 5, "model": "m"}', "m", True),
        (b'{"input": 5, "model": "m", "store": false}', "m", False),
        (b'{"model": 5, "store" : false}', "", False),
        (b'{"model": "m", "store": false', "", False),
        (b'{"model": "\xff"}', "", True),
        (b'["model"]', "", True),
        (b"", "", True),
        (b'{"model": "m", "input": ' + b"[" * 100_000, "", True),
    ],
)
def test_what_can_be_known_of_a_request_that_cannot_be_parsed(body: bytes, model: str, is_kept: bool) -> None:
    one = recording(body=body)
    one.describe_unparsed(body)
    assert (head_of(one).model, bool(one.contents)) == (model, is_kept)


@pytest.mark.parametrize("before", [990, 16_380, 1 << 20])
def test_no_secret_is_cut_in_two_before_it_is_masked(spool: Spool, before: int) -> None:
    one = recording(body=None)
    one.steps.append(("asked", "m" * before + KEY + "m" * 5000, None, None))
    one.refuse(RequestError("wrong"))
    groups = gathered([one])
    assert groups[0].size < 1 << 16
    spool.write(groups)
    (listed,) = spool.latest(9)
    assert listed.head.model == "m" * min(before, 1000) + "*" * max(0, 1000 - before) + "…"


def test_texts_with_quotes_are_shortened_and_many_short_ones_are_not(spool: Spool) -> None:
    one, other = recording("x_1_0", body=None), recording("x_2_0", body=None)
    one.steps.append(("asked", "\"\\" * 3000, None, None))
    notes = Notes()
    for number in range(100):
        notes.add(f"input[{number}]", "dropped", "why " * 240)
    other.steps.append(("notes", tuple(notes), 0))
    spool.write(gathered([one, other]))
    later, earlier = spool.latest(2)
    assert earlier.head.model == "\"\\" * 500 + "…"
    assert later.head.notes == tuple(notes)


@pytest.mark.parametrize("place", [0, 3, 40, 98, 99])
@pytest.mark.parametrize("length", [4000, 4100, 5000])
def test_a_long_line_is_shortened_beside_many_short_ones(spool: Spool, place: int, length: int) -> None:
    together = [whole(f"x_{number}_0", None) for number in range(99)]
    one = recording("x_100_0", body=None)
    one.steps.append(("asked", "m" * length, None, None))
    one.refuse(RequestError("wrong"))
    together.insert(place, one)
    spool.write(gathered(together))
    assert sorted({len(listed.head.model) for listed in spool.latest(100)}) == [0, 1001]


def test_a_secret_is_not_found_across_two_texts(spool: Spool) -> None:
    one, other = whole("x_1_0", b"sk-hid", bearer="sk-hidden"), whole("x_2_0", b"den", bearer="sk-hidden")
    spool.write(gathered([one, other]))
    assert [spool.read_contents(id).request for id in ("x_1_0", "x_2_0")] == [b"sk-hid", b"den"]


def test_a_secret_that_comes_in_pieces_is_masked_whatever_is_recorded_between_them(spool: Spool) -> None:
    one = recording(bearer="sk-hidden")
    one.begin_attempt("default", "m", None, (), 0.0, b"[]")
    for chunk, events in ((b"a sk-h", b"first"), (b"idd", b"second"), (b"en b", b"third")):
        one.add_chunk(chunk)
        one.add_events(events)
    spool.write(gathered([one]))
    part = spool.read_contents("x_1_0")
    ((number, came, sizes, data),) = part.chunks
    assert (number, sizes, data) == (0, [6, 3, 4], b"a ********* b")
    ((went, sizes, data),) = part.events
    assert (sizes, data) == ([5, 6, 5], b"firstsecondthird")
    assert (came, went) == (sorted(came), sorted(went))


def test_what_has_ended_is_gathered_before_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapter.telemetry.inspector.recorder._MAX_BYTES", 200_000)
    recorder = Recorder("contents", 1 << 20, mask, lambda: b"[]")
    recorder.start(tmp_path)
    caller = Caller("tenant", None, None, ClientWatch())
    ended = []
    try:
        for _ in range(2000):
            ended.append(recorder.begin(caller, "/v1/responses", b"{}", time.monotonic(), {}))
            ended[-1].refuse(RequestError("wrong"))
        waiting = sum(one.contents is not None for one in ended[:64])
        assert waiting == 0, "its pieces are freed, some dozens at a time"
        number = len(recorder.read(lambda spool: spool.latest(2000)))
        assert 400 < number < 1200, "no more wait than memory is meant for it"
        assert recorder.lost == 2000 - number
    finally:
        recorder.close()


def test_a_cursor_may_stop_between_recordings_that_were_written_together(spool: Spool) -> None:
    ids = [f"x_{number}_0" for number in range(25)]
    for first in range(0, 25, 5):
        spool.write(gathered([whole(id) for id in ids[first : first + 5]]))
    found: list[Listed] = []
    while changed := spool.changed_since(found[-1].rev if found else 0, 3):
        assert len(changed) <= 3
        found += changed
    assert [one.head.id for one in found] == ids
    assert [one.rev for one in found] == list(range(1, 26))
    assert spool.revision() == 25


def test_two_workers_write_to_one_file(spool: Spool, tmp_path: Path) -> None:
    other = open_spool(tmp_path / "inspector.db", 200_000, mask)
    for number in range(10):
        spool.write(gathered([whole(f"x_{number}_1"), whole(f"x_{number}_2")]))
        other.write(gathered([whole(f"x_{number}_3", b"[]"), recording(f"x_{number}_4")]))
    found = other.changed_since(0, 100)
    other.close()
    assert [one.head.id for one in found] == [f"x_{number}_{name}" for number in range(10) for name in (1, 2, 3, 4)]
    assert [one.rev for one in found] == list(range(1, 41))
    assert spool.read_contents("x_7_3").request == b"[]"


def test_an_exchange_that_is_written_as_it_goes_has_one_row_and_all_its_parts(spool: Spool, tmp_path: Path) -> None:
    one = recording("x_99_0", body=b'{"a":1}')
    spool.write(gathered([one, whole("x_1_0")]))
    one.begin_attempt("default", "m", None, (), 0.0, b'{"messages":[]}')
    spool.write(gathered([whole("x_2_0"), one]))
    one.fail_attempt(UpstreamError("gone", reason="gone"))
    one.add_error_body(b"no")
    one.refuse(RequestError("wrong"))
    spool.write(gathered([one, whole("x_3_0")]))
    part = spool.read_contents("x_99_0")
    assert (part.request, part.chats, part.error_bodies) == (b'{"a":1}', [(0, b'{"messages":[]}')], [(0, b"no")])
    assert sum(listed.head.id == "x_99_0" for listed in spool.changed_since(0, 100)) == 1
    assert dict(spool.read_all_contents())["x_99_0"] == part
    assert (found := spool.find("x_99_0")) is not None
    assert found.head.status == "rejected"
    assert count(tmp_path / "inspector.db", "recordings") == 4
    assert count(tmp_path / "inspector.db", "parts") == 3


def test_an_exchange_that_ends_before_its_beginning_is_written_keeps_the_order_of_its_contents(
    spool: Spool, tmp_path: Path
) -> None:
    one = recording("x_1_0")
    one.begin_attempt("default", "m", None, (), 0.0, b"[]")
    one.add_chunk(b"a" * 600_000)
    first = gathered([one])
    one.add_chunk(b"b")
    one.refuse(RequestError("wrong"))
    spool.write(first + gathered([whole("x_2_0"), one]))
    part = spool.read_contents("x_1_0")
    assert b"".join(data for *_, data in part.chunks) == b"a" * 600_000 + b"b"
    assert [found.head.status for found in spool.changed_since(0, 10) if found.head.id == "x_1_0"] == ["rejected"]
    assert count(tmp_path / "inspector.db", "recordings") == 2


def test_a_time_that_has_not_come_is_not_shown(spool: Spool) -> None:
    one = recording("x_1_0")
    one.begin_attempt("default", "m", None, (), 0.0, b"[]")
    spool.write(gathered([one]))
    (found,) = spool.latest(1)
    (attempt,) = shown(found)["attempts"]
    assert attempt.keys() == {"reason", "upstream", "model", "key", "lessons", "began", "delay"}
    assert shown(found)["marks"].keys() == {"read", "translated"}


def test_a_long_exchange_stays_whole_while_others_make_room(spool: Spool, tmp_path: Path) -> None:
    one = recording("x_99_0", body=b'{"a":1}')
    spool.write(gathered([one]))
    for number in range(60):
        spool.write(gathered([whole(f"x_{number}_{n}", noise(f"{n}")) for n in range(10)]))
        one.steps.append(("storing", time.monotonic()))
        spool.write(gathered([one]))
    assert spool.find("x_0_0") is None
    assert spool.read_contents("x_99_0").request == b'{"a":1}'
    for number in range(60):
        spool.write(gathered([whole(f"x_{number}_0", noise("")) for _ in range(10)]))
    assert spool.find("x_99_0") is None
    assert count(tmp_path / "inspector.db", "parts") == 0


def test_a_change_after_the_end_is_the_one_that_is_shown(spool: Spool) -> None:
    one = whole("x_1_0", b'{"a":1}')
    spool.write(gathered([one]))
    one.steps.append(("http", 418))
    spool.write(gathered([whole("x_2_0"), one]))
    assert [found.head.http for found in spool.latest(10) if found.head.id == "x_1_0"] == [418]
    assert (found := spool.find("x_1_0")) is not None
    assert found.head.http == 418
    assert spool.read_contents("x_1_0").request == b'{"a":1}'


def test_those_written_together_make_room_together(spool: Spool, tmp_path: Path) -> None:
    for number in range(60):
        spool.write(gathered([whole(f"x_{number * 10 + n}_0", noise(f"{number} {n}")) for n in range(10)]))
    kept = [one.head.id for one in spool.latest(1000)]
    assert 50 < len(kept) < 250
    assert set(kept) == {f"x_{number}_0" for number in range(600 - len(kept), 600)}
    assert len(kept) % 10 == 0
    assert all(spool.read_contents(id).request for id in kept)
    assert spool.find("x_0_0") is None
    assert spool.read_contents("x_0_0").request is None


def test_the_number_of_recordings_is_bounded(tmp_path: Path) -> None:
    spool = open_spool(tmp_path / "inspector.db", 4 << 20, mask)
    for number in range(0, MAX_RECORDINGS + 2000, 100):
        spool.write(gathered([whole(f"x_{number + n}_0", None) for n in range(100)]))
    found = spool.latest(2 * MAX_RECORDINGS)
    spool.close()
    assert MAX_RECORDINGS - 100 < len(found) <= MAX_RECORDINGS + 1000
    assert found[0].head.id == f"x_{MAX_RECORDINGS + 1999}_0"


def test_revisions_are_not_used_again(spool: Spool) -> None:
    spool.write(gathered([recording(f"x_{number}_0", ago=MAX_AGE + 1) for number in range(3)]))
    spool._next_trim = 0.0
    spool.write_worker(1, b"[]")
    assert spool.latest(10) == []
    assert spool.revision() == 3
    spool.write(gathered([whole("x_9_0")]))
    assert [(one.rev, one.head.id) for one in spool.changed_since(3, 10)] == [(4, "x_9_0")]


def test_the_oldest_make_room(spool: Spool) -> None:
    for number in range(60):
        one = recording(f"x_{number}_0", body=json.dumps({"a": [hash((number, n)) for n in range(500)]}).encode())
        spool.write(gathered([one]))
    kept = [one.head.id for one in spool.latest(1000)]
    assert 10 < len(kept) < 60
    assert kept[0] == "x_59_0"
    assert set(kept) == {f"x_{number}_0" for number in range(60 - len(kept), 60)}
    assert spool.find("x_0_0") is None
    assert spool.read_contents("x_0_0").request is None


def test_the_file_is_no_larger_than_the_ring(spool: Spool, tmp_path: Path) -> None:
    for number in range(400):
        one = recording(f"x_{number}_0", body=json.dumps({"a": os.urandom(700).hex()}).encode())
        spool.write(gathered([one]))
    spool.close()
    assert len(list(tmp_path.iterdir())) == 1, "closed, all of it is in one file"
    with sqlite3.connect(tmp_path / "inspector.db") as connection:
        pages, free, page = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
    assert 100_000 < (pages - free) * page <= 220_000
    assert pages * page <= 300_000, "what has been freed is used again"


def test_what_is_older_than_a_day_is_removed(spool: Spool) -> None:
    spool.write(gathered([recording("x_8_0", ago=MAX_AGE + 1)]))
    assert spool.find("x_8_0") is None


def test_readers_find_what_has_changed(spool: Spool) -> None:
    one, other = recording("x_1_0"), recording("x_2_0")
    spool.write(gathered([one, other]))
    rev = spool.revision()
    one.refuse(RequestError("wrong", param="model"))
    spool.write(gathered([one]))
    changed = spool.changed_since(rev, 10)
    assert [(found.head.id, found.head.status, found.head.http) for found in changed] == [("x_1_0", "rejected", 400)]
    assert len(spool.latest(10)) == 2


def test_a_callers_key_is_in_no_row(spool: Spool, tmp_path: Path) -> None:
    one = recording(body=b'{"a":"%b"}' % KEY.encode())
    one.refuse(RequestError(f"the key {KEY} is odd"))
    spool.write(gathered([one]))
    found = spool.find("x_1_0")
    assert found is not None
    assert KEY not in str(found.head.error)
    assert KEY.encode() not in b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert KEY.encode() not in (spool.read_contents("x_1_0").request or b"")


def test_an_exchange_is_listed_at_a_tick_or_at_its_end(tmp_path: Path) -> None:
    recorder = Recorder("heads", 1 << 20, mask, lambda: b"[]")
    recorder.start(tmp_path)
    caller = Caller("tenant", None, None, ClientWatch())

    def begin(ago: float = 0.0) -> Recording:
        one = recorder.begin(caller, "/v1/responses", b"{}", time.monotonic() - ago, {})
        one.begin_attempt("default", "m", None, (), 0.0, b"{}")
        return one

    def listed(rev: int) -> list[tuple[int, str]]:
        with gevent.Timeout(5):
            while recorder.read(Spool.revision) < rev:
                gevent.sleep(0.05)
        return [(one.rev, one.head.status) for one in recorder.read(lambda spool: spool.latest(10))]

    try:
        short = begin()
        short.close("completed", None)
        begin()
        assert listed(1) == [(1, "completed")]
        recorder.tick()  # the other one may soon be over
        assert listed(1) == [(1, "completed")]
        long = begin(ago=0.5)
        recorder.tick()
        assert listed(2) == [(1, "completed"), (2, "in_progress")]
        recorder.tick()  # nothing is new
        long.close("failed", None)
        assert listed(3) == [(1, "completed"), (3, "failed")]
    finally:
        recorder.close()


def test_a_clock_that_is_set_moves_no_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder("heads", 1 << 20, mask, lambda: b"[]")
    recorder.start(tmp_path)
    caller, now, set_by = Caller("tenant", None, None, ClientWatch()), time.time, 0.0
    monkeypatch.setattr(time, "time", lambda: now() + set_by)

    def at() -> float:
        recorder.flush()
        (one,) = recorder.read(lambda spool: spool.latest(10))
        return one.head.at

    try:
        one = recorder.begin(caller, "/v1/responses", b"{}", time.monotonic() - 0.5, {})
        one.begin_attempt("default", "m", None, (), 0.0, b"{}")
        recorder.tick()
        before, set_by = at(), 3600.0
        recorder.tick()
        one.close("completed", None)
        assert at() == before == pytest.approx(now(), abs=5)
    finally:
        recorder.close()


def test_a_secret_that_begins_with_another_is_masked_whole(tmp_path: Path) -> None:
    settings = Settings(
        upstream_url="http://provider.test/v1", upstream_api_key="sk-own-0123456789", store="memory:",
        admin_bind="127.0.0.1:9464", admin_key="sk-own-0123456789-admin", inspector="contents",
    )  # fmt: skip
    recorder = create_app(settings).extensions["adapter"].recorder
    recorder.start(tmp_path)
    try:
        one = whole("x_1_0", b"sk-own-0123456789-admin sk-own-0123456789 sk-caller-0123456789", "sk-caller-0123456789")
        recorder.read(lambda spool: spool.write(gathered([one])))
        assert recorder.read(lambda spool: spool.read_contents("x_1_0")).request == b"%b %b %b" % (
            b"*" * 23, b"*" * 17, b"*" * 20
        )  # fmt: skip
    finally:
        recorder.close()


def test_contents_are_left_out_when_they_take_too_much_time(tmp_path: Path) -> None:
    recorder = Recorder("contents", 1 << 20, mask, lambda: b"[]")
    recorder.start(tmp_path)
    caller = Caller("tenant", None, None, ClientWatch())

    def record(body: bytes) -> Recording:
        one = recorder.begin(caller, "/v1/responses", body, time.monotonic(), {})
        one.refuse(RequestError("wrong"))
        return one

    try:
        body, number = os.urandom(1 << 20), 0
        while head_of(record(body)).contents == RECORDED:
            number += 1
            assert number < 2000
            if number % 10 == 0:
                gevent.sleep(0.6)
                recorder.read(Spool.revision)  # after they are written
        assert number > 10, "a burst is recorded whole"
        assert "more at the moment" in head_of(record(b"{}")).contents
        ticks = 0
        while head_of(record(b"{}")).contents != RECORDED:
            recorder.tick()
            ticks += 1
            assert ticks < 200
    finally:
        recorder.close()


def test_off_loads_nothing_of_it() -> None:
    program = (
        "import sys; from gevent import monkey\n"
        "monkey.patch_all(signal=False, os=False, subprocess=False)\n"
        "from adapter import create_app; from adapter.settings.settings import Settings\n"
        "import adapter.server.fast_path, adapter.api.websocket.session, adapter.api.admin.app\n"
        "app = create_app(Settings(upstream_url='http://provider.test/v1', store='memory:'))\n"
        "assert app.extensions['adapter'].recorder is None\n"
        "print([name for name in sys.modules if 'inspector' in name])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_off_says_how_to_switch_it_on() -> None:
    admin = create_admin_app(make_app(admin_bind="127.0.0.1:9464").extensions["adapter"]).test_client()
    answer = admin.get("/inspector", base_url="http://127.0.0.1:9464")
    assert answer.status_code == 404
    assert "ADAPTER_INSPECTOR" in answer.text


@pytest.mark.parametrize(("inspector", "shows"), [("off", "set ADAPTER_INSPECTOR"), ("heads", ":9464/inspector")])
def test_the_admin_address_lists_what_it_answers(inspector: str, shows: str) -> None:
    app = make_app(admin_bind="127.0.0.1:9464", inspector=inspector)
    admin = create_admin_app(app.extensions["adapter"]).test_client()
    text = admin.get("/", base_url="http://127.0.0.1:9464").text
    assert "GET http://127.0.0.1:9464/metrics" in text
    assert shows in text


@pytest.mark.parametrize(("inspector", "status"), [("off", 401), ("heads", 302)])
@pytest.mark.parametrize("path", ["/", "/inspector"])
def test_only_an_inspector_has_a_form_for_the_key(path: str, inspector: str, status: int) -> None:
    app = make_app(admin_bind="127.0.0.1:9464", admin_key="k" * 20, inspector=inspector)
    admin = create_admin_app(app.extensions["adapter"]).test_client()
    assert admin.get(path, base_url="http://127.0.0.1:9464").status_code == status


def test_a_head_is_small_whatever_a_caller_sends(spool: Spool, tmp_path: Path) -> None:
    one = recording()
    one.steps.append(("asked", "m" * 100_000, "resp_" * 10_000, "conv_" * 10_000))
    one.refuse(RequestError("no " * 10_000, param="input", code="c"))
    notes = Notes()
    for number in range(5000):
        notes.add(f"input[{number}]", "dropped", "it says nothing")
    response = first_snapshot(CreateRequest(model="m", input=(), raw_input=b"[]"), "resp_1", 0)
    one.close_response(response, notes, time.monotonic())
    spool.write(gathered([one, whole("x_2_0")]))
    with closing(sqlite3.connect(tmp_path / "inspector.db")) as connection:
        ((lines,),) = connection.execute("SELECT heads FROM recordings")
    assert len(decompress(lines)) < 20_000
    found = spool.find("x_1_0")
    assert found is not None
    head = found.head
    assert (len(head.notes), head.more_notes) == (100, 4900)
    assert [len(head.model), len(head.previous_response_id or ""), len(head.conversation or "")] == [1001] * 3


def test_what_becomes_of_an_attempt_is_told_once() -> None:
    one = recording()
    one.end_attempt()  # there is none yet
    one.reason = "retry"
    one.begin_attempt("a", "m", 1, ("no_tools",), 0.5, b"{}")
    one.steps.append(("answered", 5.0, 503))
    one.fail_attempt(UpstreamError("busy", cause="status"))
    one.fail_attempt(UpstreamError("something else"))
    one.end_attempt()
    one.begin_attempt("b", "n", None, (), 0.0, b"{}")
    one.steps.append(("answered", 6.0, 200))
    one.fail_attempt(UpstreamError("broken off", cause="closed"))
    one.begin_attempt("b", "n", None, (), 0.0, b"{}")
    one.end_attempt()
    ended = time.monotonic()
    one.end_attempt()
    first, second, third = head_of(one).attempts
    assert (first.upstream, first.key, first.lessons, first.delay) == ("a", 1, ("no_tools",), 0.5)
    assert first.reason == "retry"
    assert (first.answered, first.status, (first.error or {})["cause"]) == (5.0, 503, "status")
    assert (second.reason, second.status, (second.error or {})["message"]) == ("next round", 200, "broken off")
    assert third.error is None
    assert third.began <= (third.ended or 0.0) <= ended


def test_how_a_response_ended_counts_more_than_how_its_request_was_answered() -> None:
    one, refused = recording(), recording()
    response = first_snapshot(CreateRequest(model="m", input=(), raw_input=b"[]"), "resp_1", 0)
    one.close_response(response, Notes(), 7.0)
    for each in (one, refused):
        each.refuse(RequestError("no", status=404))
    assert [(head.status, head.http, head.closed) for head in map(head_of, (one, refused))] == [
        ("failed", 404, 7.0), ("rejected", 404, None)
    ]  # fmt: skip


def test_an_exchange_whose_worker_was_killed_is_lost() -> None:
    begun, fresh = (Listed(1, head_of(recording("x_1_1", ago=ago))) for ago in (60, 0))
    assert shown(begun, alive={1})["status"] == "in_progress"
    assert shown(begun, alive={2})["status"] == "lost"
    assert shown(fresh, alive={2})["status"] == "in_progress", "it may have begun just now"


@pytest.mark.parametrize("path", sorted(STATIC.iterdir()), ids=lambda path: path.name)
def test_a_page_asks_nothing_of_other_servers(path: Path) -> None:
    text = path.read_text()
    assert "http://" not in text
    assert "https://" not in text
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|style=", text)
    node = shutil.which("node")
    if path.suffix == ".js" and node is not None:
        subprocess.run([node, "--check", str(path)], check=True)
