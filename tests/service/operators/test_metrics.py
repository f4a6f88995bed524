"""The metrics of several workers, and what the admin address refuses. Real gunicorn."""

import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.support.client import Client
from tests.support.servers.service import Service

KEY = "test-admin-key-0123456789"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Client]]:
    port = free_port()
    bind = f"127.0.0.1:{port}"
    with Service(tmp_path_factory.mktemp("metrics"), admin_bind=bind, admin_key=KEY, workers=2) as running:
        yield running, Client("127.0.0.1", port, KEY)


def scrape(admin: Client) -> str:
    answer = admin.get("/metrics")
    assert answer.status == 200
    return answer.body.decode()


def value(text: str, series: str) -> float:
    found = re.search(rf"^responses_adapter_{re.escape(series)} (\S+)$", text, re.M)
    return float(found[1]) if found else 0.0


def ask(service: Service) -> None:
    assert service.post({"model": "demo", "input": "Hello"}).status == 200


def test_counters_never_go_down_although_a_worker_is_killed(service: tuple[Service, Client]) -> None:
    running, admin = service
    series = 'http_requests_total{route="/v1/responses",method="POST",code="200"}'
    for _ in range(10):
        ask(running)
    until = monotonic() + 5
    while value(scrape(admin), series) < 10:  # each worker writes once a second
        assert monotonic() < until
        sleep(0.1)
    seen = 10.0
    os.kill(running.workers[-1], signal.SIGKILL)
    until = monotonic() + 5
    asked = 0
    while len(running.workers) < 2 or asked < 10:
        assert monotonic() < until
        now = value(scrape(admin), series)
        assert now >= seen
        seen = now
        ask(running)
        asked += 1
    until = monotonic() + 5
    while value(scrape(admin), series) < 10 + asked:
        assert monotonic() < until
        sleep(0.1)
    text = scrape(admin)
    assert value(text, series) == 10 + asked
    assert value(text, 'upstream_calls_total{upstream="default",outcome="ok"}') == 10 + asked
    assert value(text, 'first_token_seconds_count{upstream="default",model="demo"}') == 10 + asked
    assert value(text, 'responses_in_flight{transport="http"}') == 0


def check_format(text: str) -> None:
    """Assert the text format of Prometheus: a type before its samples, none twice, buckets that add up."""
    types: dict[str, str] = {}
    seen: set[str] = set()
    buckets: dict[str, list[float]] = {}
    for line in text.splitlines():
        if line.startswith("# "):
            kind, name, rest = re.fullmatch(r"# (HELP|TYPE) ([a-z_]+) (.+)", line).groups()  # type: ignore[union-attr]
            assert kind == "HELP" or (name not in types and rest in ("counter", "gauge", "histogram"))
            if kind == "TYPE":
                types[name] = rest
            continue
        found = re.fullmatch(r'([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? (\S+)', line)
        assert found is not None, line
        name, labels, number = found[1], found[2] or "", float(found[3])
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        kind = types[name] if name in types else types[base]
        assert kind == "histogram" or name in types
        assert name + labels not in seen
        seen.add(name + labels)
        if kind == "histogram" and name.endswith("_bucket"):
            buckets.setdefault(base + re.sub(r',?le="[^"]*"', "", labels).replace("{}", ""), []).append(number)
        elif kind == "histogram" and name.endswith("_count"):
            assert buckets[base + labels] == sorted(buckets[base + labels])
            assert buckets[base + labels][-1] == number


def test_what_is_shown_has_the_format_of_prometheus(service: tuple[Service, Client]) -> None:
    running, admin = service
    ask(running)
    running.post({"model": 'a"b\\c\nd', "input": "x", "unknown": 1})
    until = monotonic() + 5
    while "first_token_seconds_bucket" not in (text := scrape(admin)):
        assert monotonic() < until
        sleep(0.1)
    check_format(text)


def test_each_worker_answers_at_both_addresses(service: tuple[Service, Client]) -> None:
    running, admin = service
    for stopped in running.workers:
        os.kill(stopped, signal.SIGSTOP)
        try:
            assert running.get("/healthz").status == 200
            assert admin.get("/metrics").status == 200
        finally:
            os.kill(stopped, signal.SIGCONT)


def counters(text: str) -> dict[str, float]:
    """Return the value of each series that may only grow."""
    growing = set(re.findall(r"^# TYPE (\S+) counter$", text, re.M))
    samples = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {
        series: float(number) for series, _, number in samples
        if (name := series.partition("{")[0]) in growing or name.endswith(("_bucket", "_count"))
    }  # fmt: skip


@pytest.mark.slow
def test_no_counter_goes_down_while_workers_are_killed_under_load(tmp_path: Path) -> None:
    admin = Client("127.0.0.1", free_port(), KEY)
    bind = f"127.0.0.1:{admin.port}"
    with Service(tmp_path, admin_bind=bind, admin_key=KEY, workers=4) as running, ThreadPoolExecutor(8) as pool:
        is_over = threading.Event()

        def load() -> None:
            while not is_over.is_set():
                with suppress(OSError, HTTPException):  # of a worker that is killed
                    ask(running)

        loading = [pool.submit(load) for _ in range(8)]
        try:
            seen: dict[str, float] = {}
            for scrapes in range(60):
                if scrapes in (15, 30):
                    os.kill(running.workers[-1], signal.SIGKILL)
                now = counters(scrape(admin))
                assert {name: (seen[name], now.get(name)) for name in seen if now.get(name, -1) < seen[name]} == {}
                seen = now
                sleep(0.1)
        finally:
            is_over.set()
        for one in loading:
            one.result()
        sleep(1.2)  # each worker writes once a second
        text = scrape(admin)
        check_format(text)
        labels = 'upstream="default",model="demo",status="completed",transport="http"'
        shown = value(text, f"responses_total{{{labels}}}")
        lost = running.log.count('"event":"response"') - shown
        assert 0 <= lost <= 0.7 * shown, "at most what the killed workers have counted in their last second"
        assert shown > 50


def test_only_the_admin_address_answers_the_operator(service: tuple[Service, Client]) -> None:
    running, admin = service
    key = {"Authorization": f"Bearer {KEY}"}
    for headers in ({}, key, {"Host": f"127.0.0.1:{admin.port}"}, {"X-Forwarded-For": "127.0.0.1"}):
        assert running.request("GET", "/metrics", headers=headers).status == 404
    assert admin.get("/v1/models").status == 404
    assert admin.post({"model": "demo", "input": "Hi"}).status == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": None}, 401),
        ({"Authorization": "Bearer test-wrong-key-9876543210"}, 401),
        ({"Host": "evil.example"}, 421),
    ],
)
def test_who_is_no_operator(service: tuple[Service, Client], headers: dict[str, str | None], status: int) -> None:
    _, admin = service
    answer = admin.request("GET", "/metrics", headers=headers)
    assert answer.status == status
    assert answer.error["type"] == "invalid_request_error"


def test_nothing_of_a_request_is_shown(service: tuple[Service, Client]) -> None:
    running, admin = service
    secret = "sentinel-7c1f"
    running.post({"model": secret, "input": secret, secret: 1})
    running.get(f"/v1/{secret}")
    running.get(f"/v1/responses/{secret}")
    sleep(1.2)
    text = scrape(admin)
    assert secret not in text
    assert 'refused_total{code="unknown_parameter",param="other"}' in text


def test_the_directory_of_the_numbers_is_removed(tmp_path: Path) -> None:
    killed = Service(tmp_path, admin_bind=f"127.0.0.1:{free_port()}", workers=1).start()
    own = killed.private_directory
    assert own.stat().st_mode & 0o777 == 0o700
    with pytest.raises(AssertionError, match="ended with -9"):
        killed.stop(signal.SIGKILL)
    sleep(1.5)  # its worker notices, and ends
    with Service(tmp_path, admin_bind=f"127.0.0.1:{free_port()}", workers=1) as service:
        assert not own.exists(), "the next server removes what a killed one has left"
        own = service.private_directory
        assert own.is_dir()
    assert not own.exists()
