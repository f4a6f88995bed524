"""Uploads to the running service: how much memory they take, and what is left when something goes wrong."""

import os
import resource
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.support.files.uploads import MULTIPART, PURPOSE, head, large
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream

MIB = 1 << 20


@pytest.fixture(scope="module")
def service(provider: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One worker, whose memory and files are those of all requests."""
    with Service(tmp_path_factory.mktemp("files"), upstream_url=provider.url, workers=1) as service:
        yield service


def files(service: Service) -> list[str]:
    return [file["id"] for file in service.get("/v1/files").json["data"]]


def rows(service: Service) -> int:
    with closing(sqlite3.connect(service.directory / "store-files.db")) as file:
        count: int = file.execute("SELECT COUNT(*) FROM file_pieces").fetchone()[0]
        return count


def memory(pid: int, field: str) -> int:
    """Return a number of bytes from what the system knows of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(field)


def upload(service: Service, size: int) -> str:
    answer = service.request("POST", "/v1/files", large(size), MULTIPART)
    assert answer.status == 200, answer.body
    assert answer.json["bytes"] == size
    id: str = answer.json["id"]
    return id


def test_an_upload_of_32_mb_is_never_whole_in_memory(service: Service) -> None:
    """Twenty at once take hardly more than one."""
    (pid,) = service.workers
    upload(service, MIB)
    before = memory(pid, "VmRSS")
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # begins to measure the peak anew
    id = upload(service, 32 * MIB)
    assert memory(pid, "VmHWM") - before <= 4 * MIB
    with ThreadPoolExecutor(20) as pool:
        ids = list(pool.map(lambda _: upload(service, MIB), range(20)))
    print("20 uploads at once:", (memory(pid, "VmHWM") - before) / MIB, "MiB")
    assert memory(pid, "VmHWM") - before <= 24 * MIB
    with service.open("GET", f"/v1/files/{id}/content") as exchange:
        assert exchange.rest() == bytes(range(256)) * (32 * MIB // 256)
    for one in (id, *ids):
        assert service.request("DELETE", f"/v1/files/{one}").status == 200


def test_an_upload_whose_worker_is_killed(provider: Upstream, tmp_path: Path) -> None:
    with Service(tmp_path, upstream_url=provider.url, workers=1) as service:
        (pid,) = service.workers
        first = upload(service, MIB)
        whole = rows(service)

        def body() -> Iterator[bytes]:
            yield PURPOSE + head("file", "a.bin") + bytes(MIB)
            wait_for(lambda: rows(service) > whole)
            os.kill(pid, signal.SIGKILL)
            yield bytes(MIB)

        with pytest.raises(OSError):  # noqa: PT011 - reset or broken pipe
            service.request("POST", "/v1/files", body(), MULTIPART)
        wait_for(lambda: service.workers not in ([], [pid]))
        assert files(service) == [first]
        upload(service, MIB)
        assert len(files(service)) == 2


def test_an_upload_whose_client_goes_away(service: Service) -> None:
    before, kept = rows(service), files(service)

    def body() -> Iterator[bytes]:
        yield PURPOSE + head("file", "a.bin") + bytes(MIB)
        wait_for(lambda: rows(service) > before)
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        service.request("POST", "/v1/files", body(), MULTIPART)
    wait_for(lambda: rows(service) == before)
    assert files(service) == kept


def test_a_full_disk_loses_nothing(service: Service) -> None:
    kept = files(service)
    id = upload(service, MIB)
    (pid,) = service.workers
    limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (2 * MIB, limits[1]))
    try:
        answer = service.request("POST", "/v1/files", large(16 * MIB), MULTIPART)
        assert answer.status == 503
        assert answer.error["message"].startswith("The store is not available")
        assert files(service) == [id, *kept]
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
    assert service.get(f"/v1/files/{id}/content").body == bytes(range(256)) * (MIB // 256)
    upload(service, MIB)


def wait_for(condition: object) -> None:
    assert callable(condition)
    deadline = monotonic() + 10
    while not condition():
        assert monotonic() < deadline
        sleep(0.02)
