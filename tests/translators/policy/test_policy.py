"""The policy names everything that the API has and nothing else, and what it says is what happens."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest

from adapter.api.request.schemas import CreateSchema
from adapter.commands.offline import translate
from adapter.settings.settings import Settings
from adapter.settings.sources import load_settings
from tests.support import minimal_requests as minimal
from tests.support.beside import API_REFERENCE
from tests.support.judges import openai_types
from translators import policy
from translators.errors import RequestError
from translators.notes import Notes
from translators.policy import Row, refusal_of
from translators.policy.row import CLASSES
from translators.responses.events import Event
from translators.responses.includes import INCLUDABLE
from translators.responses.items import ContentPart, KnownItem, OutputItem
from translators.responses.request import TextConfig
from translators.responses.tools import Tool, ToolChoice

Request = Callable[[str], dict[str, Any]]

TABLES: dict[str, Mapping[str, Row]] = {name: getattr(policy, name) for name in policy.__all__ if name.isupper()}

REQUESTS: dict[str, tuple[Request, str]] = {
    "FIELDS": (minimal.field, ""),
    "FORMATS": (minimal.format, "text.format"),
    "INCLUDES": (minimal.include, "include"),
    "INPUT_ITEMS": (minimal.item, "input["),
    "CONTENT_PARTS": (minimal.part, "input["),
    "TOOLS": (minimal.tool, "tools[0]"),
    "TOOL_CHOICES": (minimal.tool_choice, "tool_choice"),
}
"""How each thing is asked for, and how the param of its refusal begins; a field's is its own."""

IN_TYPES = {
    "FIELDS": openai_types.fields(),
    "FORMATS": openai_types.formats(),
    "INCLUDES": openai_types.includable(),
    "INPUT_ITEMS": openai_types.input_items(),
    "CONTENT_PARTS": openai_types.content_parts(),
    "TOOLS": openai_types.tools(),
    "TOOL_CHOICES": openai_types.tool_choices(),
    "OUTPUT_ITEMS": openai_types.output_items(),
    "EVENTS": openai_types.events(),
}

ONLY_IN_REFERENCE = {
    "FIELDS": {
        "presence_penalty", "frequency_penalty", "multi_agent", "generate", "stream_id", "client_metadata",
    },
    "INPUT_ITEMS": {"agent_message", "multi_agent_call", "multi_agent_call_output"},
    "CONTENT_PARTS": {"input_audio", "encrypted_content"},
    "TOOLS": {"computer_use"},
    "TOOL_CHOICES": {"web_search", "local_shell"},
    "EVENTS": {
        "response.apply_patch_call_operation_diff.delta", "response.apply_patch_call_operation_diff.done",
    },
}  # fmt: skip
"""What the types of the package lack and the API has. Source: OpenAI API reference."""

NEED_THE_STORE = {"item_reference"}
WITHOUT_STRUCT = {"multi_agent_call", "multi_agent_call_output"}
"""Items that are shown as what they say, whatever their members."""


def rows(*tables: str) -> list[Any]:
    return [pytest.param(table, name, id=f"{table}-{name}") for table in tables for name in TABLES[table]]


def of_class(*classes: str) -> list[Any]:
    return [
        param for param in rows(*REQUESTS)
        if TABLES[param.values[0]][param.values[1]].becomes in classes and param.values[1] not in NEED_THE_STORE
    ]  # fmt: skip


def tags(union: Any) -> set[str]:
    """Return the types that the members of a union of Structs have."""
    return {member.__struct_config__.tag for member in get_args(union) if hasattr(member, "__struct_config__")}


def served(table: str) -> set[str]:
    return {name for name, row in TABLES[table].items() if row.becomes not in ("refused", "not produced")}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("prompts")
    for file in ("greeter.toml", "greeter@2.toml"):
        Path(folder, file).write_text('[[input]]\nrole = "user"\ncontent = "Greet {{name}}."\n')
    return load_settings({"upstream_url": "http://127.0.0.1:9/v1", "prompts": str(folder), "dialect": "openai"}, {})


def sent(request: dict[str, Any], settings: Settings) -> tuple[bytes, Notes]:
    """Return the chat request that a request becomes, and the notes on it."""
    notes = Notes()
    return translate(json.dumps(request).encode(), settings, notes).json, notes


def note_texts(notes: Notes) -> list[str]:
    return [f"{note.action} {note.reason}" for note in notes]


# --- it is complete -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_everything_in_the_types_of_the_package_has_a_row(table: str) -> None:
    assert IN_TYPES[table]
    assert IN_TYPES[table] - TABLES[table].keys() == set()


@pytest.mark.parametrize("table", TABLES)
def test_other_rows_are_only_in_the_api_reference(table: str) -> None:
    assert TABLES[table].keys() - IN_TYPES[table] == ONLY_IN_REFERENCE.get(table, set())


@pytest.mark.skipif(not API_REFERENCE.exists(), reason=f"no {API_REFERENCE}")
@pytest.mark.parametrize("name", sorted(set().union(*ONLY_IN_REFERENCE.values())))
def test_the_api_reference_has_what_the_types_lack(name: str) -> None:
    event = name.removesuffix(".delta").removesuffix(".done")  # it lists the two of an event together
    assert event in API_REFERENCE.read_text()


@pytest.mark.parametrize(("table", "name"), rows(*TABLES))
def test_every_row_is_a_class_and_a_sentence(table: str, name: str) -> None:
    becomes, says = TABLES[table][name]
    assert becomes in CLASSES
    assert (becomes == "not produced") <= (table in ("OUTPUT_ITEMS", "EVENTS"))
    assert says[0].isupper()
    assert says[-1] == "."
    assert "|" not in says
    assert len(says) <= 100


# --- it agrees with the code's own vocabulary ------------------------------------------------------------------------


def test_every_member_of_the_schema_has_a_row_and_every_row_that_is_not_refused_a_member() -> None:
    members = set(CreateSchema().fields)
    assert members <= policy.FIELDS.keys()
    assert {name for name in served("FIELDS") if "." not in name} <= members


@pytest.mark.parametrize(
    ("table", "known"),
    [
        ("FORMATS", tags(TextConfig.__annotations__["format"])),
        ("INCLUDES", set(INCLUDABLE)),
        ("INPUT_ITEMS", tags(KnownItem) | WITHOUT_STRUCT),
        ("TOOLS", tags(Tool)),
        ("TOOL_CHOICES", tags(ToolChoice) | {"none", "auto", "required"}),
        ("OUTPUT_ITEMS", tags(OutputItem)),
        ("EVENTS", {kind.__struct_config__.tag for kind in Event.__subclasses__()}),
    ],
)  # fmt: skip
def test_what_is_served_is_what_the_code_knows(table: str, known: set[str]) -> None:
    assert served(table) == known


def test_the_parts_that_are_served_are_those_that_the_code_knows() -> None:
    own = {tag for tag in tags(ContentPart) if tag.startswith("_")}
    assert served("CONTENT_PARTS") - {"computer_screenshot"} == tags(ContentPart) - own  # that one is a whole output


# --- it tells the truth ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("table", "name"), of_class("refused"))
def test_what_is_refused_is_refused_by_its_place(table: str, name: str, settings: Settings) -> None:
    request, place = REQUESTS[table]
    with pytest.raises(RequestError) as caught:
        sent(request(name), settings)
    assert caught.value.status in (400, 404)
    assert (caught.value.param or "").startswith(place or name.partition(".")[0])


@pytest.mark.parametrize(("table", "name"), of_class("same", "own", "approximated", "echoed"))
def test_what_is_not_refused_is_accepted(table: str, name: str, settings: Settings) -> None:
    request, _ = REQUESTS[table]
    body, _ = sent(request(name), settings)
    assert json.loads(body)["messages"]


@pytest.mark.parametrize("name", NEED_THE_STORE)
def test_what_needs_the_store_is_not_found_without_one(name: str, settings: Settings) -> None:
    with pytest.raises(RequestError, match="not found") as caught:
        sent(minimal.item(name), settings)
    assert (caught.value.status, caught.value.param) == (404, "input")


@pytest.mark.parametrize("name", [name for name, row in policy.FIELDS.items() if row.becomes == "same"])
def test_a_field_that_is_the_same_reaches_the_provider(name: str, settings: Settings) -> None:
    without, _ = sent({"model": "m", "input": "Hi"}, settings)
    body, notes = sent(minimal.field(name), settings)
    assert body != without
    assert list(notes) == []


@pytest.mark.parametrize("name", [name for name, row in policy.FIELDS.items() if row.becomes == "echoed"])
def test_a_field_that_is_only_echoed_does_not(name: str, settings: Settings) -> None:
    without, _ = sent({"model": "m", "input": "Hi"}, settings)
    body, _ = sent(minimal.field(name), settings)
    assert body == without


@pytest.mark.parametrize(
    ("table", "name"),
    [param for param in rows(*REQUESTS) if "ropped with a note" in TABLES[param.values[0]][param.values[1]].says],
)
def test_what_is_dropped_with_a_note_has_one(table: str, name: str, settings: Settings) -> None:
    request, _ = REQUESTS[table]
    _, notes = sent(request(name), settings)
    assert [text for text in note_texts(notes) if text.startswith("dropped")]


# --- refusals read it ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, row in policy.TOOLS.items() if row.becomes == "refused"])
def test_a_refused_tool_is_told_why(name: str, settings: Settings) -> None:
    with pytest.raises(RequestError) as caught:
        sent(minimal.tool(name), settings)
    assert caught.value.message == f"'{name}' in 'tools[0].type' {refusal_of(policy.TOOLS, name)}"


def test_only_what_is_refused_has_a_refusal() -> None:
    assert refusal_of(policy.FIELDS, "moderation") == (
        "is not supported: no chat-completions provider moderates on request."
    )
    assert refusal_of(policy.TOOLS, "function") is None
    assert refusal_of(policy.TOOLS, "nobody_knows_it") is None
