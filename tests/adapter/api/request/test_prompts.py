"""Prompts from a folder: which file counts, what stands in its slots, and what cannot be had.

`ask` sends a request that names a prompt and returns it as it is understood.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapter.api.request.prompts import ALLOWED_MEMBERS, UnusablePrompt
from adapter.api.request.schemas import parse_create
from translators.errors import RequestError
from translators.responses.items import InputFile, InputImage, InputText, Message
from translators.responses.request import CreateRequest, PromptReference
from translators.wire import decode

Ask = Callable[..., CreateRequest]

GREETER = """
model = "m-default"
instructions = "You are {{role}}. Say {{ word }} twice: {{word}}."
temperature = 0.5

[[input]]
role = "user"
content = "Greet {{name}}!"
"""
VARIABLES = {"role": "a host", "word": "Hello", "name": {"type": "input_text", "text": "{{role}}"}}
PHOTO = {"type": "input_image", "image_url": "https://h/p.png"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "greeter.toml").write_text(GREETER)
    (folder / "greeter@2.json").write_text(json.dumps({"instructions": "Be brief.", "input": "Version {{v}}"}))
    return folder


@pytest.fixture
def ask(folder: Path) -> Ask:
    def ask(id: str, variables: dict[str, Any] | None = None, **members: Any) -> CreateRequest:
        prompt = {"id": id, "variables": variables, "version": members.pop("version", None)}
        body = json.dumps({"prompt": prompt, **members}).encode()
        return parse_create(body, max_items=3, prompts=str(folder))

    return ask


def put(folder: Path, text: str) -> None:
    (folder / "p.toml").write_text(text)


def test_a_prompt_fills_in_a_request(ask: Ask) -> None:
    request = ask("greeter", VARIABLES)
    assert (request.model, request.temperature) == ("m-default", 0.5)
    assert request.instructions == "You are a host. Say Hello twice: Hello."
    assert request.input == (Message("user", "Greet {{role}}!"),), "values are not searched for slots"
    assert decode(request.raw_input) == [{"role": "user", "content": "Greet {{role}}!"}]
    assert request.prompt == PromptReference("greeter", None, {**VARIABLES, "name": InputText("{{role}}")})


@pytest.mark.parametrize("own", ["More", [{"role": "user", "content": "More"}]])
def test_the_request_counts_before_the_prompt_and_its_input_comes_behind(ask: Ask, own: Any) -> None:
    request = ask("greeter", VARIABLES, model="m", temperature=1, input=own)
    assert (request.model, request.temperature) == ("m", 1.0)
    assert request.input == (Message("user", "Greet {{role}}!"), Message("user", "More"))


@pytest.mark.parametrize("own", ["", []])
def test_an_empty_input_adds_nothing(ask: Ask, own: Any) -> None:
    assert ask("greeter", VARIABLES, input=own).input == (Message("user", "Greet {{role}}!"),)


def test_a_version_is_a_file_of_its_own(ask: Ask) -> None:
    request = ask("greeter", {"v": "two"}, version="2", model="m")
    assert (request.instructions, request.input) == ("Be brief.", (Message("user", "Version two"),))


def test_an_edit_counts_at_once(ask: Ask, folder: Path) -> None:
    put(folder, "instructions = 'one'\ninput = 'x'")
    assert ask("p", model="m").instructions == "one"
    put(folder, "instructions = 'two'\ninput = 'x'")
    assert ask("p", model="m").instructions == "two"


CONTENT: list[tuple[Any, dict[str, Any], Any]] = [
    ("{{a}}", {"a": "x"}, "x"),
    ("{{ a }} { {a}} {{}} {{a b}}", {"a": "x"}, "x { {a}} {{}} {{a b}}"),
    ("{{a}}", {"a": PHOTO}, [InputImage("https://h/p.png")]),
    ("See {{a}}, {{b}}{{a}}.", {"a": PHOTO, "b": "so: "},
     [InputText("See "), InputImage("https://h/p.png"), InputText(", so: "), InputImage("https://h/p.png"),
      InputText(".")]),
    ("{{a}}?", {"a": {"type": "input_file", "filename": "f", "file_data": "eA=="}},
     [InputFile("eA==", filename="f"), InputText("?")]),
    ([{"type": "input_text", "text": "1 {{a}}"}, PHOTO], {"a": "x"}, [InputText("1 x"), InputImage("https://h/p.png")]),
    ([{"type": "input_text", "text": "1 {{a}}"}], {"a": PHOTO}, [InputText("1 "), InputImage("https://h/p.png")]),
]  # fmt: skip


@pytest.mark.parametrize(("content", "variables", "expected"), CONTENT)
def test_slots_in_a_message(ask: Ask, folder: Path, content: Any, variables: dict[str, Any], expected: Any) -> None:
    (folder / "p.json").write_text(json.dumps({"input": [{"role": "user", "content": content}]}))
    assert ask("p", variables, model="m").input == (Message("user", expected),)


REFUSED: list[tuple[dict[str, Any], int, str, str | None, str]] = [
    ({"id": "unknown"}, 404, "prompt.id", None, "Prompt with id 'unknown' not found."),
    ({"id": "greeter", "version": "3"}, 404, "prompt.version", None,
     "Prompt with id 'greeter' has no version '3'."),
    ({"id": "../prompts/greeter"}, 404, "prompt.id", None, "Prompt with id '../prompts/greeter' not found."),
    ({"id": "greeter@2"}, 404, "prompt.id", None, "Prompt with id 'greeter@2' not found."),
    ({"id": "greeter", "version": "../greeter"}, 404, "prompt.id", None, "Prompt with id 'greeter' not found."),
    ({"id": ".."}, 404, "prompt.id", None, "Prompt with id '..' not found."),
    ({"id": "greeter\n"}, 404, "prompt.id", None, "Prompt with id 'greeter\n' not found."),
    ({"id": "greeter"}, 400, "prompt.variables.role", "missing_required_parameter",
     "Missing required parameter: 'prompt.variables.role'."),
    ({"id": "greeter", "variables": {**VARIABLES, "mood": "good"}}, 400, "prompt.variables.mood", "unknown_parameter",
     "Unknown parameter: 'prompt.variables.mood'. The prompt has no such slot."),
    ({"id": "greeter", "variables": {**VARIABLES, "role": PHOTO}}, 400, "prompt.variables", "invalid_value",
     "Invalid 'prompt.variables': the instructions cannot contain an image or a file."),
    ({"id": "greeter", "version": "2", "variables": {"v": "1"}}, 400, "model", "missing_required_parameter",
     "Missing required parameter: 'model'."),
]  # fmt: skip


@pytest.mark.parametrize(("prompt", "status", "param", "code", "message"), REFUSED)
def test_a_prompt_that_cannot_be_had(
    folder: Path, prompt: dict[str, Any], status: int, param: str, code: str | None, message: str
) -> None:
    with pytest.raises(RequestError) as caught:
        parse_create(json.dumps({"prompt": prompt}).encode(), max_items=3, prompts=str(folder))
    assert (caught.value.status, caught.value.param, caught.value.code) == (status, param, code)
    assert caught.value.message == message


def test_without_a_folder_there_is_no_prompt() -> None:
    with pytest.raises(RequestError, match=r"Prompt with id 'greeter' not found\.") as caught:
        parse_create(b'{"model":"m","prompt":{"id":"greeter"}}', max_items=3)
    assert caught.value.status == 404


def test_the_request_is_checked_before_the_prompt_is_looked_for(ask: Ask) -> None:
    with pytest.raises(RequestError) as caught:
        ask("unknown", temperature=9)
    assert caught.value.param == "temperature"


def test_both_inputs_together_have_a_limit(ask: Ask) -> None:
    with pytest.raises(RequestError) as caught:
        ask("greeter", VARIABLES, input=[{"role": "user", "content": "x"}] * 3)
    assert (caught.value.param, caught.value.code) == ("input", "array_above_max_length")


@pytest.mark.parametrize(
    "text",
    [
        "instructions = ", "temperature = 9", "store = true", "previous_response_id = 'resp_1'", "instructions = 5",
        "input = 5", "input = [5]", "[[input]]\nrole = 'tool'", "x = '" + "x" * (1 << 20) + "'",
    ],
    ids=range(9),
)  # fmt: skip
def test_a_file_that_is_no_prompt_is_the_operators_fault(ask: Ask, folder: Path, text: str) -> None:
    put(folder, text)
    with pytest.raises(UnusablePrompt) as caught:
        ask("p", model="m", input="x")
    assert (caught.value.status, caught.value.type, caught.value.param) == (500, "server_error", "prompt.id")
    assert caught.value.message.startswith("The prompt 'p' of this server cannot be used.")
    assert caught.value.reason not in caught.value.message
    assert str(folder) not in caught.value.message


def test_what_a_prompt_may_hold_is_documented() -> None:
    page = (Path(__file__).parents[4] / "docs" / "prompts.md").read_text()
    assert all(f"`{name}`" in page for name in ALLOWED_MEMBERS)
