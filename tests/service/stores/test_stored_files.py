"""Uploaded files in responses: sent to the provider, and gone from a history when they are deleted."""

from tests.support import chat
from tests.support.files.uploads import END, FILE, MULTIPART, PURPOSE
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream, whole

WITH_FILE = '<file name="a.txt">\nabc\n</file>'


def test_a_deleted_file_leaves_a_history_in_every_worker(service: Service, upstream: Upstream) -> None:
    upstream.plays(*[whole(chat.completion(text)) for text in ("One.", "Two.", "Three.")])
    id = service.request("POST", "/v1/files", PURPOSE + FILE + END, MULTIPART).json["id"]
    first = service.create([{"role": "user", "content": [{"type": "input_file", "file_id": id}]}])
    second = service.create("And now?", previous_response_id=first["id"])
    assert service.request("DELETE", f"/v1/files/{id}").status == 200
    service.create("And now?", previous_response_id=second["id"])
    assert [upstream.received(count).messages[0]["content"] for count in (1, 2, 3)] == [
        WITH_FILE, WITH_FILE, "[The file file is no longer available.]",
    ]  # fmt: skip
    stored = service.get(f"/v1/responses/{first['id']}/input_items").json["data"]
    assert stored[0]["content"][0]["file_id"] == id
    assert "file_data" not in stored[0]["content"][0] or stored[0]["content"][0]["file_data"] is None


def test_a_file_that_is_not_there(service: Service) -> None:
    answer = service.request(
        "POST", "/v1/responses",
        {"model": "m", "input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-none"}]}]},
    )  # fmt: skip
    assert answer.status == 400
    assert answer.error["param"] == "input[0].content[0].file_id"
    assert answer.error["message"] == "No such File object: file-none"
