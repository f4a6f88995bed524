"""What is found in an answer's text where JSON of a format is demanded."""

from time import process_time

import pytest

from translators.constraints.judge import AnswerRules
from translators.notes import Notes
from translators.responses.items import Message, OutputText
from translators.responses.request import JSONObjectFormat, JSONSchemaFormat
from translators.responses.response import Response

SCHEMA = JSONSchemaFormat("n", {"type": "object", "required": ["a"]})


def answered(text: str) -> Response:
    message = Message("assistant", [OutputText(text)])
    return Response(id="resp_1", created_at=0, model="m", status="completed", output=(message,))


@pytest.mark.parametrize(("text", "found"), [
    ('{"a": 1}', None),
    (' {"a": 1}\n', None),
    ('```json\n{"a": 1}\n```', '{"a": 1}'),
    ('```\n{"a": "```"}\n```', '{"a": "```"}'),
    ('Sure:\n\n```JSON\n{\n"a": 1}\n```\nThat is it.', '{\n"a": 1}'),
    ('Sure! {"a": [1]} Done.', '{"a": [1]}'),
    ('{see} {"a": 1}', '{"a": 1}'),
])  # fmt: skip
def test_the_json_of_an_answer(text: str, found: str | None) -> None:
    judged = AnswerRules(format=SCHEMA, buffered=True).judge(answered(text), Notes())
    assert (judged.problem, judged.text) == (None, found)


@pytest.mark.parametrize(("text", "why"), [
    ("", "it is not valid JSON"),
    ("Paris", "it is not valid JSON"),
    ('{"a": 1', "it is not valid JSON"),
    ("[1]", "$: [1] is not of type 'object'"),
    ("{}", "$: 'a' is a required property"),
])  # fmt: skip
def test_answers_that_do_not_fit(text: str, why: str) -> None:
    problem = AnswerRules(format=SCHEMA, buffered=True).judge(answered(text), Notes()).problem
    assert problem is not None
    assert (problem.status, problem.message) == (502, f"The model's answer does not fit text.format: {why}.")


@pytest.mark.parametrize("blanks", [" ", "\n", " \n", "\t"])
def test_a_model_that_writes_nothing_but_blanks_costs_no_time(blanks: str) -> None:
    """Some do, when they are asked for JSON, until they are out of tokens; the worker does nothing else meanwhile."""
    began = process_time()
    text = '```json\n{"a":' + blanks * 50_000 + "1"
    assert AnswerRules(format=SCHEMA, buffered=True).judge(answered(text), Notes()).problem is not None
    assert process_time() - began < 0.5


def test_what_has_been_seen_cannot_be_cut() -> None:
    problem = AnswerRules(format=SCHEMA).judge(answered('```\n{"a": 1}\n```'), Notes()).problem
    assert problem is not None
    assert "more than JSON was written" in problem.message


def test_an_object_of_any_kind() -> None:
    rules = AnswerRules(format=JSONObjectFormat(), buffered=True)
    assert rules.judge(answered("{}"), Notes()).problem is None
    assert rules.judge(answered("[]"), Notes()).problem is not None


def test_what_cannot_be_judged_is_noted() -> None:
    notes = Notes()
    rules = AnswerRules(format=JSONSchemaFormat("n", {"$ref": "#"}), buffered=True)
    assert rules.judge(answered("1"), notes).problem is None
    assert [(note.param, note.action) for note in notes] == [("text.format", "approximated")]


@pytest.mark.parametrize(("text", "found"), [
    ('{"b": 1}', None),
    ('```json\n{"b": 1}\n```', '{"b": 1}'),
    ('Sure! {"b": [1]} Done.', '{"b": [1]}'),
    ("Paris", None),
    ("", None),
])  # fmt: skip
def test_an_answer_that_is_only_trimmed_stands(text: str, found: str | None) -> None:
    judged = AnswerRules(format=SCHEMA, only_trimmed=True, buffered=True).judge(answered(text), Notes())
    assert (judged.problem, judged.text) == (None, found)
