"""`/v1/vector_stores`: what is accepted, what is not, and who finds what. What works: tests/contract."""

import time
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.app import KEYS, make_app
from tests.support.files.uploads import END, FILE, PURPOSE

OURS, THEIRS = ({"Authorization": f"Bearer {key}"} for key in KEYS)


@pytest.fixture
def client() -> FlaskClient:
    return make_app(api_keys=KEYS).test_client()


def send(client: FlaskClient, path: str, body: Any = None, who: dict[str, str] = OURS, status: int = 200) -> Any:
    answer = client.post(f"/v1/vector_stores{path}", json={} if body is None else body, headers=who)
    assert answer.status_code == status, answer.data
    return answer.json


def upload(client: FlaskClient, who: dict[str, str] = OURS) -> str:
    answer = client.post(
        "/v1/files", data=PURPOSE + FILE + END, content_type="multipart/form-data; boundary=b", headers=who
    )
    id: str = answer.json["id"]  # type: ignore[index]
    return id


def test_an_empty_one(client: FlaskClient) -> None:
    store = send(client, "")
    assert store["id"].startswith("vs_")
    assert {**store, "id": "", "created_at": 0, "last_active_at": 0} == {
        "id": "", "object": "vector_store", "created_at": 0, "last_active_at": 0, "name": "", "description": None,
        "usage_bytes": 0, "status": "completed", "expires_after": None, "expires_at": None, "metadata": {},
        "file_counts": {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0},
    }  # fmt: skip


def static(size: int, overlap: int) -> dict[str, Any]:
    return {"type": "static", "static": {"max_chunk_size_tokens": size, "chunk_overlap_tokens": overlap}}


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("", {"colour": "red"}, "colour"),
        ("", {"name": 5}, "name"),
        ("", {"name": "x" * 257}, "name"),
        ("", {"metadata": {"a": 1}}, "metadata.a"),
        ("", {"expires_after": {"anchor": "created_at", "days": 1}}, "expires_after.anchor"),
        ("", {"expires_after": {"anchor": "last_active_at", "days": 366}}, "expires_after.days"),
        ("", {"file_ids": "file-1"}, "file_ids"),
        ("", {"chunking_strategy": {"type": "odd"}}, "chunking_strategy.type"),
        ("", {"chunking_strategy": static(50, 0)},
         "chunking_strategy.static.max_chunk_size_tokens"),
        ("", {"chunking_strategy": static(100, 51)},
         "chunking_strategy.static.chunk_overlap_tokens"),
        ("/{}", {"file_ids": []}, "file_ids"),
        ("/{}/files", {}, "file_id"),
        ("/{}/files", {"file_id": "f", "attributes": {"a": [1]}}, "attributes[...]"),
        ("/{}/files", {"file_id": "f", "attributes": {str(n): n for n in range(17)}}, "attributes"),
        ("/{}/files", {"file_id": "f", "attributes": {"a": "x" * 513}}, "attributes.a"),
        ("/{}/file_batches", {}, "file_ids"),
        ("/{}/file_batches", {"file_ids": ["a"], "files": [{"file_id": "a"}]}, "files"),
        ("/{}/file_batches", {"files": [{"id": "a"}]}, "files[0].id"),
        ("/{}/search", {}, "query"),
        ("/{}/search", {"query": []}, "query"),
        ("/{}/search", {"query": "x", "max_num_results": 51}, "max_num_results"),
        ("/{}/search", {"query": "x", "ranking_options": {"score_threshold": 2}}, "ranking_options.score_threshold"),
        ("/{}/search", {"query": "x", "filters": {"type": "eq", "key": "a"}}, "filters"),
    ],
)  # fmt: skip
def test_what_is_refused(client: FlaskClient, path: str, body: dict[str, Any], param: str) -> None:
    id = send(client, "")["id"]
    error = send(client, path.format(id), body, status=400)["error"]
    assert error["param"] == param, error
    assert error["message"]


PATHS = [
    ("get", "/{store}", None), ("post", "/{store}", {"name": "x"}), ("delete", "/{store}", None),
    ("post", "/{store}/search", {"query": "x"}), ("get", "/{store}/files", None),
    ("post", "/{store}/files", {"file_id": "{file}"}), ("get", "/{store}/files/{file}", None),
    ("post", "/{store}/files/{file}", {"attributes": {}}), ("delete", "/{store}/files/{file}", None),
    ("get", "/{store}/files/{file}/content", None), ("post", "/{store}/file_batches", {"file_ids": ["{file}"]}),
    ("get", "/{store}/file_batches/{batch}", None), ("post", "/{store}/file_batches/{batch}/cancel", None),
    ("get", "/{store}/file_batches/{batch}/files", None), ("get", "?after={store}", None),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), PATHS)
def test_what_is_foreign_is_not_there(client: FlaskClient, method: str, path: str, body: Any) -> None:
    store, file = send(client, "")["id"], upload(client)
    batch = send(client, f"/{store}/file_batches", {"file_ids": [file]})["id"]
    ids = {"store": store, "file": file, "batch": batch}
    given = path.format(**ids)
    answer = client.open(f"/v1/vector_stores{given}", method=method.upper(), json=body, headers=THEIRS)
    assert answer.status_code == 404, answer.data
    assert client.open(f"/v1/vector_stores{given}", method=method.upper(), json=body).status_code == 401
    own = send(client, "", who=THEIRS)["id"]
    if "store}/" in path:
        given = path.format(**{**ids, "store": own})
        answer = client.open(f"/v1/vector_stores{given}", method=method.upper(), json=body, headers=THEIRS)
        assert answer.status_code in (404, 200)
        assert answer.status_code == 404 or b"abc" not in answer.data
    send(client, f"/{own}/files", {"file_id": file}, THEIRS, 404)
    send(client, "", {"file_ids": [file]}, THEIRS, 404)
    assert client.get("/v1/vector_stores", headers=THEIRS).json["data"][0]["id"] == own  # type: ignore[index]


def test_an_expired_one(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    id = send(client, "", {"expires_after": {"anchor": "last_active_at", "days": 1}})["id"]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 86_500)
    assert client.get(f"/v1/vector_stores/{id}", headers=OURS).json["status"] == "expired"  # type: ignore[index]
    assert "expired" in send(client, f"/{id}/search", {"query": "x"}, status=400)["error"]["message"]
