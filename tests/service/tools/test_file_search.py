"""`file_search` in the running service: found, cited, shown where included, and known to later turns."""

import time
from typing import Any

import pytest

from tests.support import chat
from tests.support.files.uploads import END, MULTIPART, PURPOSE, part
from tests.support.hosted import calls, says
from tests.support.servers.service import Service
from tests.support.servers.upstream import Upstream, stream

LEAVE = "Everyone has 30 days of leave a year."
PAY = "Pay is on the 25th of each month."


@pytest.fixture
def store(service: Service) -> str:
    id: str = service.request("POST", "/v1/vector_stores", {"name": "handbook"}).json["id"]
    for name, text in (("leave.md", LEAVE), ("pay.md", PAY)):
        body = PURPOSE + part("file", text.encode(), name) + END
        file = service.request("POST", "/v1/files", body, MULTIPART).json["id"]
        attributes = {"file_id": file, "attributes": {"kind": name.partition(".")[0]}}
        assert service.request("POST", f"/v1/vector_stores/{id}/files", attributes).status == 200
    for _ in range(500):
        if service.get(f"/v1/vector_stores/{id}").json["status"] == "completed":
            return id
        time.sleep(0.02)
    raise AssertionError("not indexed")


def search(*queries: str) -> Any:
    listed = ",".join(f'"{query}"' for query in queries)
    return calls(("file_search", f'{{"queries":[{listed}]}}'))


def tool(store: str, **members: Any) -> dict[str, Any]:
    return {"type": "file_search", "vector_store_ids": [store], **members}


def test_a_search_and_its_citations(service: Service, upstream: Upstream, store: str) -> None:
    answer = chat.text("You have 30 days", "【", "1】", ". Not【2】, nor 【9】 or 【", "x.")
    upstream.plays(search("days of leave"), stream(answer, chat.end()))
    events = service.stream("How much leave?", tools=[tool(store)], include=["file_search_call.results"])
    found, message = events[-1]["response"]["output"]
    assert [event["type"] for event in events if event["type"].startswith("response.file_search_call")] == [
        "response.file_search_call.in_progress", "response.file_search_call.searching",
        "response.file_search_call.completed",
    ]  # fmt: skip
    assert (found["type"], found["status"], found["queries"]) == ("file_search_call", "completed", ["days of leave"])
    (result,) = found["results"]
    assert (result["filename"], result["text"], result["attributes"]) == ("leave.md", LEAVE, {"kind": "leave"})
    (part,) = message["content"]
    assert part["text"] == "You have 30 days. Not【2】, nor 【9】 or 【x."
    assert part["annotations"] == [
        {"type": "file_citation", "file_id": result["file_id"], "filename": "leave.md", "index": 16}
    ]
    deltas = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    assert deltas == part["text"]
    asked = upstream.received(2).json["messages"]
    assert asked[-1]["content"] == f"【1】 leave.md\n{LEAVE}"
    echoed = events[-1]["response"]["tools"][0]
    assert (echoed["max_num_results"], echoed["ranking_options"]) == (20, {"ranker": "auto", "score_threshold": 0})


def test_a_later_turn_knows_the_results_and_their_numbers(service: Service, upstream: Upstream, store: str) -> None:
    answers = [says(text) for text in ("30 days【1】.", "As I said【1】.", "On the 25th【2】.")]
    upstream.plays(search("leave"), *answers[:2], search("pay"), answers[2])
    first = service.create("How much leave?", tools=[tool(store)])
    assert first["output"][0]["results"] is None
    assert "hidden" not in first["output"][0]
    second = service.create("Sure?", tools=[tool(store)], previous_response_id=first["id"])
    (cited,) = second["output"][0]["content"][0]["annotations"]
    assert (cited["filename"], cited["index"], second["output"][0]["content"][0]["text"]) == (
        "leave.md", 9, "As I said.",
    )  # fmt: skip
    third = service.create("And pay?", tools=[tool(store)], previous_response_id=second["id"])
    assert third["output"][1]["content"][0]["annotations"][0]["filename"] == "pay.md"
    seen = [upstream.received(count).json["messages"] for count in (2, 3, 5)]
    assert seen[1][: len(seen[0])] == seen[2][: len(seen[0])] == seen[0], "the prompt begins as before"
    assert [one["content"] for one in seen[2] if one["role"] == "tool"] == [
        f"【1】 leave.md\n{LEAVE}", f"【2】 pay.md\n{PAY}",
    ]  # fmt: skip


def test_a_client_that_keeps_the_history(service: Service, upstream: Upstream, store: str) -> None:
    upstream.plays(search("leave"), says("30 days【1】."), says("Yes【1】."))
    first = service.create("How much leave?", tools=[tool(store)], store=False)
    history = [{"role": "user", "content": "How much leave?"}, *first["output"], {"role": "user", "content": "Sure?"}]
    second = service.create(history, tools=[tool(store)], store=False)
    assert second["output"][0]["content"][0]["annotations"][0]["filename"] == "leave.md"
    assert upstream.received(3).json["messages"][2]["content"] == f"【1】 leave.md\n{LEAVE}"


def test_filters_threshold_and_several_queries(service: Service, upstream: Upstream, store: str) -> None:
    upstream.plays(search("leave", "pay", "month"), says("Hm."), search("leave"), says("Hm."), search(), says("Hm."))
    only_pay = {"type": "eq", "key": "kind", "value": "pay"}
    service.create("Hi", tools=[tool(store, filters=only_pay)])
    assert upstream.received(2).json["messages"][-1]["content"] == f"【1】 pay.md\n{PAY}"
    service.create("Hi", tools=[tool(store, ranking_options={"score_threshold": 1.0})])
    assert upstream.received(4).json["messages"][-1]["content"].startswith("Nothing was found")
    failed = service.create("Hi", tools=[tool(store)])["output"][0]
    assert (failed["status"], failed["queries"]) == ("failed", [])


@pytest.mark.parametrize(
    ("members", "status", "param"),
    [
        ({"vector_store_ids": ["vs_none"]}, 404, "tools[0].vector_store_ids[0]"),
        ({"vector_store_ids": []}, 400, "tools[0].vector_store_ids"),
        ({"filters": {"type": "eq"}}, 400, "tools[0].filters"),
        ({"max_num_results": 51}, 400, "tools[0].max_num_results"),
        ({"ranking_options": {"ranker": "odd"}}, 400, "tools[0].ranking_options.ranker"),
    ],
)
def test_what_is_refused(service: Service, store: str, members: dict[str, Any], status: int, param: str) -> None:
    body = {"model": "m", "input": "Hi", "tools": [tool(store) | members]}
    answer = service.request("POST", "/v1/responses", body)
    assert (answer.status, answer.error["param"]) == (status, param), answer.body


def test_a_foreign_vector_store_is_not_there(service: Service, store: str) -> None:
    body = {"model": "m", "input": "Hi", "tools": [tool(store)]}
    answer = service.request("POST", "/v1/responses", body, {"Authorization": "Bearer sk-another"})
    assert answer.status == 404
