"""A file that a worker was indexing when it was killed is indexed by another, as if nothing had happened."""

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from tests.support.files.uploads import END, MULTIPART, PURPOSE, part
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream

SECONDS = 90
"""A lease of thirty, and then until the next look of a worker."""
TEXT = "".join(f"Section {at} is about subject {at % 97}. It is not indexed yet.\n" for at in range(60_000))


def index(service: Service, file: str) -> str:
    """Add a file to a new vector store; return the store's id."""
    id: str = service.request("POST", "/v1/vector_stores", {"name": "sections"}).json["id"]
    assert service.request("POST", f"/v1/vector_stores/{id}/files", {"file_id": file}).status == 200
    return id


def begun_by(service: Service, store: str) -> int:
    """Return the worker that indexes the file of a store, once it has stored some chunks of it."""
    end = monotonic() + 20
    while monotonic() < end:
        with closing(sqlite3.connect(service.directory / "store-files.db")) as database:
            held = database.execute(
                "SELECT holder FROM vector_files JOIN vector_stores ON number = store WHERE id = ? "
                "AND status = 'in_progress' AND EXISTS (SELECT 1 FROM chunks WHERE chunks.store = number)",
                [store],
            ).fetchone()
        if held is not None and held[0]:
            return int(held[0].partition("-")[0])
        sleep(0.01)
    raise AssertionError("no worker has begun")


def completed(service: Service, store: str) -> dict[str, Any]:
    end = monotonic() + SECONDS
    while monotonic() < end:
        (file,) = service.get(f"/v1/vector_stores/{store}/files").json["data"]
        if file["status"] != "in_progress":
            assert file["status"] == "completed", file
            return dict(file)
        sleep(0.2)
    raise AssertionError("not indexed")


@pytest.mark.slow
def test_another_worker_goes_on(tmp_path: Path, provider: Upstream) -> None:
    with Service(tmp_path, upstream_url=provider.url, workers=2) as service:
        body = PURPOSE + part("file", TEXT.encode(), "sections.txt") + END
        file = service.request("POST", "/v1/files", body, MULTIPART).json["id"]
        store = index(service, file)
        killed = begun_by(service, store)
        assert killed in service.workers
        os.kill(killed, signal.SIGKILL)
        after = completed(service, store)
        undisturbed = completed(service, index(service, file))
        assert after["usage_bytes"] == undisturbed["usage_bytes"] > len(TEXT), "no chunk is missing, and none twice"
        found = service.request("POST", f"/v1/vector_stores/{store}/search", {"query": "section 59999"}).json["data"]
        assert "Section 59999 " in found[0]["content"][0]["text"]
