"""A model whose chat template opens the thinking, behind an upstream of which that is known."""

from collections.abc import Iterator

import pytest

from tests.support import chat
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream, stream, whole
from tests.support.stream_harness import contents

CONFIG = '[upstreams.r1]\nurl = "{url}"\ndialect = {{ preset = "vllm", thinks_first = true }}\n[models]\n"*" = "r1"\n'
THOUGHT = [("summary_text", "Hm."), ("output_text", "Hi")]


@pytest.fixture(scope="module")
def service(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp("thinks-first")
    with Service(directory, toml=CONFIG.format(url=provider.url), workers=1) as service:
        yield service


def test_streamed(service: Service, upstream: Upstream) -> None:
    upstream.plays(stream(chat.text("Hm.", "</thi", "nk>\n\n", "Hi"), chat.end()))
    assert contents(service.stream()[-1]["response"]["output"]) == THOUGHT


def test_unstreamed(service: Service, upstream: Upstream) -> None:
    upstream.plays(whole(chat.completion("Hm.</think>\n\nHi")))
    assert contents(service.create()["output"]) == THOUGHT
