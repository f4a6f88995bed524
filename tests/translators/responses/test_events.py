"""Frames: what goes over the wire for an event."""

import pytest

from tests.support.judges.sse import parse_frame
from translators.responses import events
from translators.responses.events import DONE, KEEP_ALIVE, Event, OutputTextDelta, sse_frame
from translators.responses.ids import Ids
from translators.responses.response import Response
from translators.wire import encode

KINDS = Event.__subclasses__()


def test_a_frame_is_two_lines_and_a_blank_one() -> None:
    delta = OutputTextDelta(
        sequence_number=7, item_id="msg_1", output_index=0, content_index=0, delta="a\n\nb\r\u2028", logprobs=[]
    )
    assert sse_frame(delta) == (
        b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","item_id":"msg_1",'
        b'"output_index":0,"content_index":0,"delta":"a\\n\\nb\\r\xe2\x80\xa8","logprobs":[],"sequence_number":7}\n\n'
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_has_its_name(kind: type[Event]) -> None:
    """Every event that exists is sent under the type it carries, and no two have the same."""
    assert kind.__struct_config__.tag.startswith("response.")
    assert [other for other in KINDS if other.__struct_config__.tag == kind.__struct_config__.tag] == [kind]


def test_a_snapshot_in_a_frame() -> None:
    response = Response(id=Ids("0" * 24).response, created_at=1, model="m")
    event = events.ResponseCreated(sequence_number=0, response=response)
    assert parse_frame(sse_frame(event).removesuffix(b"\n\n"))["response"]["id"] == response.id
    assert encode(response) in sse_frame(event)


def test_what_is_no_event() -> None:
    assert KEEP_ALIVE.startswith(b":")
    assert KEEP_ALIVE.endswith(b"\n\n")
    assert DONE == b"data: [DONE]\n\n"
