"""A running service on Redis: the event loop goes on while the server stands still, and nothing has to be restarted."""

import os
import subprocess
import sys
import threading
from pathlib import Path

from tests.support.chat import completion
from tests.support.client import Answer
from tests.support.servers import redis
from tests.support.servers.service import Service
from tests.support.servers.upstream import LIMIT, Upstream, whole


def test_a_server_that_stands_still_holds_nobody_else(upstream: Upstream, tmp_path: Path) -> None:
    upstream.plays(whole(completion("One.")), whole(completion("Two.")))
    with redis.server() as server:
        url = f"{server.url}?socket_timeout=3&socket_connect_timeout=3"
        with Service(tmp_path, upstream_url=upstream.url, store=url, workers=1) as service:
            first = service.create()
            refused: list[Answer] = []
            waiting = threading.Thread(target=lambda: refused.append(service.get(f"/v1/responses/{first['id']}")))
            with server.frozen():
                waiting.start()
                assert service.get("/healthz").status == 200
                assert waiting.is_alive(), "that one waits"
                waiting.join(LIMIT)
            assert refused[0].status == 503
            assert refused[0].error["message"] == "The store is not available. Please try again."
            service.create("And now?", previous_response_id=first["id"])
            assert [message["content"] for message in upstream.received(2).messages] == ["Hi", "One.", "And now?"]
        assert redis.PASSWORD not in service.log
        assert ":****@127.0.0.1" in service.log


def test_a_missing_package_says_what_to_install() -> None:
    hide = "import sys; sys.modules['redis'] = None; from adapter.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", hide, "serve"], capture_output=True, text=True, timeout=LIMIT, check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.getcwd(), "ADAPTER_STORE": "rediss://cache"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "responses-adapter: ADAPTER_STORE: this store needs the package redis, which is not installed: "
        "pip install 'responses-adapter[redis]'\n"
    )


def test_other_stores_load_nothing_of_it(tmp_path: Path) -> None:
    probe = (
        "import sys; from adapter.store import open_store; store = open_store(sys.argv[1]); store.ping(); "
        "store.close(); print([name for name in sys.modules if 'redis' in name])"
    )
    file = f"sqlite:///{tmp_path}/store.db"
    done = subprocess.run([sys.executable, "-c", probe, file], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
