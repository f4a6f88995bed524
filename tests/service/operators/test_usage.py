"""What keys use: their budgets hold over workers and restarts, and operators see it."""

import os
import signal
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from adapter.commands.keys import table_of
from tests.adapter.commands.test_cli import run
from tests.service.operators.test_metrics import free_port
from tests.support import chat
from tests.support.client import Client
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream, whole

KEY = "ra-key-of-the-team-0123456789"
TOKENS = 100
"""Of each answer."""


def answers(count: int) -> list[Any]:
    usage = {"prompt_tokens": 60, "completion_tokens": 40, "total_tokens": TOKENS}
    return [whole(chat.completion("Hello.", usage=usage)) for _ in range(count)]


def test_a_budget_outlasts_workers_and_the_server(tmp_path: Path, upstream: Upstream, provider: Upstream) -> None:
    upstream.plays(*answers(3))
    limits = table_of("team", KEY, tokens_per_month=3 * TOKENS)
    admin = Client("127.0.0.1", free_port())
    bind = f"127.0.0.1:{admin.port}"
    with Service(tmp_path, toml=limits, upstream_url=provider.url, workers=2, admin_bind=bind) as service:
        service.key = KEY
        for _ in range(2):
            service.create("Hi")
        service.stop()
        service.start()
        service.create("Hi")
        refused = service.post({"model": "m", "input": "Hi"})
        assert (refused.status, refused.error["code"]) == (429, "insufficient_quota")
        assert refused.headers["x-should-retry"] == "false"
        assert "Retry-After" not in refused.headers
        until = monotonic() + 5
        while (listed := admin.get("/usage?key=team").json["data"])[0]["responses"] < 3:  # by the other worker
            assert monotonic() < until
            sleep(0.1)
        assert (listed[0]["input_tokens"], listed[0]["output_tokens"]) == (180, 120)
        assert admin.get("/usage?days=0").error["param"] == "days"
        left = 'responses_adapter_key_budget_left_tokens{key="team",period="month"} 0'
        assert left in admin.get("/metrics").body.decode()
        for worker in service.workers:
            os.kill(worker, signal.SIGKILL)
        assert service.post({"model": "m", "input": "Hi"}).status == 429
        shown = run("usage", ADAPTER_STORE=f"sqlite:///{tmp_path}/store.db")
    assert shown.stdout.splitlines()[1].split() == ["team", "default", "m", "3", "0", "180", "0", "120", "0"]
