"""`/v1/files`: what is accepted, what is not, and who finds what."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from adapter.store.files.values import PIECE_BYTES
from tests.support.app import KEYS, make_app
from tests.support.files.uploads import END, FILE, PURPOSE, part

OURS, THEIRS = ({"Authorization": f"Bearer {key}"} for key in KEYS)


@pytest.fixture
def client() -> FlaskClient:
    return make_app(api_keys=KEYS, max_file_bytes=1 << 20).test_client()


MULTIPART = "multipart/form-data; boundary=b"


def post(client: FlaskClient, body: bytes, type: str = MULTIPART, **headers: str) -> TestResponse:
    return client.post("/v1/files", data=body, content_type=type, headers={**OURS, **headers})


def upload(client: FlaskClient, data: bytes = b"abc", **headers: str) -> dict[str, Any]:
    answer = post(client, PURPOSE + part("file", data, "a.txt") + END, **headers)
    assert answer.status_code == 200, answer.data
    file: dict[str, Any] = answer.json
    return file


@pytest.mark.parametrize("body", [PURPOSE + FILE + END, FILE + PURPOSE + END], ids=["purpose first", "file first"])
def test_fields_come_in_any_order(client: FlaskClient, body: bytes) -> None:
    file = post(client, body).json
    assert file is not None
    assert file["id"].startswith("file-")
    assert {**file, "id": "", "created_at": 0} == {
        "id": "", "object": "file", "bytes": 3, "created_at": 0, "expires_at": None, "filename": "a.txt",
        "purpose": "user_data", "status": "processed", "status_details": None,
    }  # fmt: skip
    answer = client.get(f"/v1/files/{file['id']}/content", headers=OURS)
    assert answer.data == b"abc"
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a.txt"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Length"] == "3"


@pytest.mark.parametrize("size", [1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 1 << 20])
def test_every_byte_comes_back(client: FlaskClient, size: int) -> None:
    data = (b"\r\n--a\r\n--b-\r--\n.--b" * (size // 10 + 1))[:size]  # nearly the end of a part, again and again
    file = upload(client, data)
    assert file["bytes"] == size
    assert client.get(f"/v1/files/{file['id']}/content", headers=OURS).data == data


def test_an_expiry(client: FlaskClient) -> None:
    expiry = part("expires_after[anchor]", b"created_at") + part("expires_after[seconds]", b"3600")
    file = post(client, PURPOSE + expiry + FILE + END).json
    assert file is not None
    assert file["expires_at"] == file["created_at"] + 3600


@pytest.mark.parametrize(
    ("body", "param", "message"),
    [
        (PURPOSE + END, "file", "Missing required parameter: 'file'."),
        (FILE + END, "purpose", "Missing required parameter: 'purpose'."),
        (END, "file", "Missing"),
        (part("purpose", b"fun") + FILE + END, "purpose", "'fun'"),
        (FILE + part("purpose", b"") + END, "purpose", "Invalid value"),
        (PURPOSE + PURPOSE + FILE + END, "purpose", "occurs twice"),
        (PURPOSE + part("purpose", b"x" * 5000) + END, "purpose", ""),
        (PURPOSE + FILE + FILE + END, "file", "there are two"),
        (PURPOSE + part("file", b"", "a.txt") + END, "file", "it is empty"),
        (PURPOSE + part("file", b"abc") + END, "file", "it has no filename"),
        (PURPOSE + part("document", b"abc", "a.txt") + END, "document", "Send the file as 'file'"),
        (PURPOSE + part("colour", b"red") + FILE + END, "colour", "Unknown parameter"),
        (PURPOSE + part("expires_after[seconds]", b"3600") + FILE + END, "expires_after[anchor]", "Missing"),
        (PURPOSE + part("expires_after[anchor]", b"created_at") + FILE + END, "expires_after[seconds]", "Missing"),
        (PURPOSE + part("expires_after[seconds]", b"59") + FILE + END, "expires_after[seconds]", "from 3600"),
        (PURPOSE + part("expires_after[seconds]", b"3600.5") + FILE + END, "expires_after[seconds]", "3600.5"),
        (PURPOSE + part("expires_after[anchor]", b"now") + FILE + END, "expires_after[anchor]", "created_at"),
        (PURPOSE + part("file", b"abc", "/etc/") + END, "file", "its filename is empty"),
        (PURPOSE + part("file", b"abc", "..") + END, "file", "its filename is empty"),
        (PURPOSE + part("file", b"abc", "a\tb.txt") + END, "file", "control characters"),
        (PURPOSE + part("file", b"abc", "a\u202etxt.exe") + END, "file", "control characters"),
        (PURPOSE + part("file", b"abc", "x" * 300) + END, "file", "more than 255"),
    ],
)  # fmt: skip
def test_what_is_no_upload(client: FlaskClient, body: bytes, param: str, message: str) -> None:
    answer = post(client, body)
    assert answer.status_code == 400, answer.data
    assert answer.json is not None
    assert answer.json["error"]["param"] == param
    assert message in answer.json["error"]["message"]
    assert client.get("/v1/files", headers=OURS).json["data"] == []  # type: ignore[index]


def test_an_encoded_name_with_a_line_break(client: FlaskClient) -> None:
    name = b"filename*=UTF-8''a%0D%0AX-Evil:%201.txt"
    file = b'--b\r\nContent-Disposition: form-data; name="file"; %s\r\n\r\nabc\r\n' % name
    assert post(client, PURPOSE + file + END).status_code == 400


@pytest.mark.parametrize(
    ("sent", "name"), [("../../etc/passwd", "passwd"), ("C:\\files\\ä.txt", "ä.txt"), ("a b", "a b")]
)
def test_a_path_is_no_part_of_a_name(client: FlaskClient, sent: str, name: str) -> None:
    answer = post(client, PURPOSE + part("file", b"abc", sent.replace("\\", "\\\\")) + END).json
    assert answer is not None
    assert answer["filename"] == name


@pytest.mark.parametrize(
    ("body", "type", "status"),
    [
        (PURPOSE + FILE, MULTIPART, 400),
        (PURPOSE + FILE[:-5], MULTIPART, 400),
        (b"", MULTIPART, 400),
        (b"{}", MULTIPART, 400),
        (b"--b\r\n\r\nno head\r\n" + END, MULTIPART, 400),
        (b"--b\r\nContent-Disposition: \xff\xfe\r\n\r\nx\r\n" + END, MULTIPART, 400),
        (PURPOSE + FILE + END, "multipart/form-data", 400),
        (PURPOSE + FILE + END, f"multipart/form-data; boundary={'b' * 71}", 400),
        (PURPOSE + FILE + END, "application/x-www-form-urlencoded", 415),
        (b"{}", "application/json", 415),
        (PURPOSE + part("x", b"") * 20 + END, MULTIPART, 400),
        (b"-" * 300_000, MULTIPART, 413),
        (b"--b\r\n" + b"X-A: b\r\n" * 50_000, MULTIPART, 413),
        (PURPOSE + FILE + END + b"-" * 300_000, MULTIPART, 413),
        (PURPOSE + part("file", b"x" * ((1 << 20) + 1), "a") + END, MULTIPART, 413),
        (PURPOSE + part("file", b"x" * (1 << 21), "a") + END, MULTIPART, 413),
    ],
)  # fmt: skip
def test_broken_and_hostile_bodies(client: FlaskClient, body: bytes, type: str, status: int) -> None:
    answer = post(client, body, type)
    assert answer.status_code == status, answer.data
    assert answer.json is not None
    assert answer.json["error"]["type"] == "invalid_request_error"
    assert client.get("/v1/files", headers=OURS).json["data"] == []  # type: ignore[index]


def test_a_compressed_body(client: FlaskClient) -> None:
    answer = post(client, PURPOSE + FILE + END, **{"Content-Encoding": "gzip"})
    assert answer.status_code == 415


def test_pages(client: FlaskClient) -> None:
    files = sorted(upload(client)["id"] for _ in range(3))  # an id begins with the millisecond, which two can share
    page = client.get("/v1/files?limit=2", headers=OURS).json
    assert page is not None
    assert [file["id"] for file in page["data"]] == files[:0:-1]
    assert (page["first_id"], page["last_id"], page["has_more"]) == (files[2], files[1], True)
    page = client.get(f"/v1/files?limit=2&after={files[1]}", headers=OURS).json
    assert page is not None
    assert [file["id"] for file in page["data"]] == files[:1]
    assert not page["has_more"]
    assert client.get("/v1/files?purpose=vision", headers=OURS).json["data"] == []  # type: ignore[index]
    for query in ("limit=0", "limit=10001", "order=up", "purpose=fun"):
        assert client.get(f"/v1/files?{query}", headers=OURS).status_code == 400


@pytest.mark.parametrize("path", ["/{}", "/{}/content", "?after={}"])
def test_a_foreign_file_is_not_there(client: FlaskClient, path: str) -> None:
    id = upload(client)["id"]
    answer = client.get("/v1/files" + path.format(id), headers=THEIRS)
    assert answer.status_code == 404
    assert answer.json == {
        "error": {
            "message": f"No such File object: {id}", "type": "invalid_request_error",
            "param": "after" if path.startswith("?") else "id", "code": None,
        }
    }  # fmt: skip
    assert client.delete(f"/v1/files/{id}", headers=THEIRS).status_code == 404
    assert client.get("/v1/files", headers=THEIRS).json["data"] == []  # type: ignore[index]
    assert client.get(f"/v1/files/{id}").status_code == 401


def test_a_deleted_file_is_gone(client: FlaskClient) -> None:
    id = upload(client)["id"]
    answer = client.delete(f"/v1/files/{id}", headers=OURS)
    assert answer.json == {"id": id, "object": "file", "deleted": True}
    for call in (client.get, client.delete):
        assert call(f"/v1/files/{id}", headers=OURS).status_code == 404


def test_a_quota_counts_files(client: FlaskClient) -> None:
    client = make_app(api_keys=KEYS, tenant_stored_bytes=1024).test_client()
    upload(client, b"x" * 600)
    assert post(client, PURPOSE + part("file", b"x" * 600, "a") + END).status_code == 429
    assert len(client.get("/v1/files", headers=OURS).json["data"]) == 1  # type: ignore[index]
    upload(client, b"x" * 600, **THEIRS)


def test_redis_keeps_no_files() -> None:
    client = make_app(api_keys=KEYS).test_client()
    client.application.extensions["adapter"].file_store = None
    answer = client.get("/v1/files", headers=OURS)
    assert answer.status_code == 400
    assert b"its store is Redis" in answer.data
