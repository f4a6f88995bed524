"""Recorded answers and errors through the whole service: over sockets, in the packets in which they came.

One stream and one whole answer of each provider, and every error. Each has a model of its own, so that what is learned
from one changes no other.
"""

from collections.abc import Iterator

import pytest

from tests.recordings.comparison import EXCEPTIONS, told
from tests.recordings.errors import expected
from tests.recordings.reader import Answer
from tests.recordings.recording import Recording, needed, recordings
from tests.recordings.replay import answer_of
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream, stream, whole

pytestmark = needed


def first_of_each(kind: str) -> list[Recording]:
    """Return a raw recording of each provider that comes out exactly."""
    found: dict[str, Recording] = {}
    for recording in recordings(kind):
        if recording.provider in found or not recording.is_raw or recording.file in EXCEPTIONS:
            continue
        if told(recording).status != "failed":
            found[recording.provider] = recording
    return list(found.values())


def said(answer: Answer) -> tuple[object, ...]:
    calls = [(name, arguments) for _, name, arguments in answer.calls]
    return answer.text, answer.reasoning, answer.refusal, calls, answer.sources, answer.status, answer.reason


@pytest.mark.parametrize("recording", first_of_each("stream"), ids=lambda recording: recording.provider)
def test_a_stream(recording: Recording, service: Service, upstream: Upstream) -> None:
    upstream.plays(stream(*recording.packets()))
    assert said(answer_of(service.stream(model=recording.file)[-1]["response"])) == said(told(recording))


@pytest.mark.parametrize("recording", first_of_each("json"), ids=lambda recording: recording.provider)
def test_a_whole_answer(recording: Recording, service: Service, upstream: Upstream) -> None:
    upstream.plays(whole(recording.body()))
    assert said(answer_of(service.create(model=recording.file))) == said(told(recording))


@pytest.fixture(scope="module")
def refused(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(
        tmp_path_factory.mktemp("refused"), upstream_url=provider.url, upstream_api_key="sk-ours", workers=1
    ) as service:
        yield service


@pytest.mark.parametrize("recording", recordings("error"), ids=lambda recording: recording.file)
def test_an_error(recording: Recording, refused: Service, upstream: Upstream) -> None:
    headers = {name.replace("-", "_"): value for name, value in recording.headers().items() if name != "content-type"}
    upstream.otherwise = lambda _: whole(recording.body(), recording.status, **headers)
    answer = refused.post({"model": recording.file, "input": "Hi"})
    should = expected(recording)
    assert should is not None
    error = answer.error
    assert (answer.status, error["type"], error["code"], error["param"]) == tuple(should)
    assert (answer.status in (429, 503)) == ("retry-after" in answer.headers)
