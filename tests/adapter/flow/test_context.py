"""The context of a request with a compaction: opened once, and remembered like any beginning of an input."""

import json
from typing import Any

import pytest
from flask import Flask
from msgspec.structs import replace

from adapter.flow.context import Context, ContextSource, gather_context
from adapter.services import FlowServices, Services
from adapter.upstream.routing.health import Candidate
from translators.context.compaction import CompactedContext
from translators.dialects.dialect import Dialect
from translators.errors import RequestError
from translators.responses.decoding.items import decode_items
from translators.responses.decoding.tools import decode_tools
from translators.responses.request import CreateRequest
from translators.wire import Raw

DIALECT = Dialect()
CANDIDATE = Candidate("default", "m", None, 1)
LONG = {"role": "user", "content": "long " * 2000}
ANSWER = {"role": "assistant", "content": "Well."}


@pytest.fixture
def services(app: Flask) -> FlowServices:
    found: Services = app.extensions["adapter"]
    return found.flow


def request(*items: dict[str, Any]) -> CreateRequest:
    raw = json.dumps(items).encode()
    return CreateRequest(model="m", input=decode_items(raw), raw_input=raw)


def context(services: FlowServices, wanted: CreateRequest, tenant: str = "t") -> Context:
    return gather_context(ContextSource(services, tenant, wanted), CANDIDATE, DIALECT)


def compaction(services: FlowServices, tenant: str = "t") -> dict[str, Any]:
    content = CompactedContext(v=1, model="m", created_at=1, summary="All is well.")
    return {"type": "compaction", "id": "cmp_1", "encrypted_content": services.compaction_sealer.seal(content, tenant)}


def test_what_was_rendered_behind_a_compaction_is_known(services: FlowServices) -> None:
    window = [{"role": "user", "content": "Hi"}, compaction(services), LONG]
    first = context(services, request(*window))
    body = first.translate()
    first.cache_prefix(body)
    assert first.history.known == 2
    longer = request(*window, ANSWER, {"role": "user", "content": "And?"})
    second = context(services, longer)
    assert second.history.known == 3
    told = json.loads(second.translate().json)["messages"]
    assert [message["content"][:9] for message in told] == ["Hi", "Summary o", "long long", "Well.", "And?"]


def test_a_new_compaction_takes_the_place_of_what_was_known(services: FlowServices) -> None:
    window = [LONG, ANSWER]
    first = context(services, request(*window))
    first.cache_prefix(first.translate())
    second = context(services, request(*window, compaction(services), {"role": "user", "content": "And?"}))
    told = json.loads(second.translate().json)["messages"]
    assert [message["content"][:9] for message in told] == ["long long", "Summary o", "And?"]


def test_no_tenant_opens_what_was_sealed_for_another(services: FlowServices) -> None:
    with pytest.raises(RequestError) as caught:
        context(services, request(compaction(services, "t")), "u")
    assert (caught.value.code, caught.value.param) == ("invalid_encrypted_content", "input[0].encrypted_content")


def test_an_earlier_compaction_is_covered_by_the_last(services: FlowServices) -> None:
    foreign = {"type": "compaction", "encrypted_content": "gAAAA"}
    items = context(services, request(foreign, {"role": "user", "content": "Hi"}, compaction(services))).load_items()
    assert [type(item).__name__ for item in items] == ["Message", "Message"]


@pytest.mark.parametrize(("count", "is_long"), [(1999, False), (2000, True)])
def test_many_new_items_are_long_work(
    count: int, is_long: bool, services: FlowServices, offloaded: list[str]
) -> None:
    context(services, request(*[ANSWER] * (count - 1), LONG)).translate()
    assert offloaded == ["t"] * is_long


def test_items_that_were_rendered_before_are_no_work(services: FlowServices, offloaded: list[str]) -> None:
    many = [LONG, *[ANSWER, {"role": "user", "content": "And?"}] * 1000]
    first = context(services, request(*many))
    first.cache_prefix(first.translate())
    context(services, request(*many, LONG)).translate()
    assert offloaded == ["t"]


def test_many_tools_are_long_work(services: FlowServices, offloaded: list[str]) -> None:
    tools = [{"type": "function", "name": f"f{n}", "parameters": {}} for n in range(2500)]
    raw = json.dumps([{"type": "namespace", "name": "n", "description": "", "tools": tools}]).encode()
    wanted = replace(request(LONG), tools=decode_tools(raw), raw_tools=Raw(raw))
    context(services, wanted).translate()
    assert offloaded == ["t"]
