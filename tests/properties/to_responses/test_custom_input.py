"""The input of custom tools: decoded piece by piece, it is what a JSON decoder makes of the whole."""

import json

from hypothesis import given
from hypothesis import strategies as st

from translators.tools.custom import InputReader

texts = st.text() | st.text(alphabet='\\"u/n\n😀é\ud7ff{}', max_size=12)
spaces = st.sampled_from(["", " ", "\n  "])


def read(pieces: list[str]) -> tuple[str, str]:
    """Return what was told on the way, and what only in the end."""
    reader = InputReader()
    return "".join(map(reader.feed, pieces)), reader.end()


@given(st.data(), texts, spaces, st.booleans())
def test_any_split_gives_the_text(data: st.DataObject, text: str, space: str, ascii: bool) -> None:
    arguments = f'{space}{{{space}"input"{space}:{space}{json.dumps(text, ensure_ascii=ascii)}{space}}}'
    cuts = sorted(data.draw(st.lists(st.integers(0, len(arguments)), max_size=8)))
    pieces = [arguments[start:end] for start, end in zip([0, *cuts], [*cuts, len(arguments)], strict=True)]
    assert read(pieces) == (text, "")
    assert read(list(arguments)) == (text, "")


@given(texts)
def test_line_ends_need_no_escape(text: str) -> None:
    plain = text.replace("\\", "").replace('"', "")
    assert read([f'{{"input": "{plain}"}}']) == (plain, "")


@given(texts, st.sampled_from(["command", "input", "lines"]), st.booleans())
def test_a_list_is_its_lines_without_the_name_of_the_tool(text: str, member: str, named: bool) -> None:
    reader = InputReader("apply_patch")
    lines = [*(["apply_patch"] if named else []), text, "x"]
    assert reader.feed(json.dumps({member: lines})) + reader.end() == f"{text}\nx"


@given(texts, st.integers(0, 40))
def test_what_was_cut_off_is_the_beginning_of_the_text(text: str, cut: int) -> None:
    arguments = json.dumps({"input": text})
    told = "".join(read([arguments[: min(len('{"input": "') + cut, len(arguments))]]))
    assert text.startswith(told)


@given(st.text(alphabet="*+- \nabc", min_size=1))
def test_text_without_json_is_the_text(text: str) -> None:
    if text.strip() not in ("", "-"):
        assert "".join(read(list(text))) == text


@given(st.text(alphabet='\\nxu0d83e"/ab', max_size=14))
def test_any_split_gives_the_same_however_wrong_it_is(inside: str) -> None:
    arguments = '{"input":"' + inside + '"}'
    assert "".join(read(list(arguments))) == "".join(read([arguments]))


def test_other_forms() -> None:
    assert read(['"just a string"']) == ("", "just a string")
    assert read(['{"patch": "x"}']) == ("", "x")
    assert read(['{"why": "because", "input": "x"}']) == ("", "x")
    assert read(['{"input": {"a": 1}}']) == ("", '{"input": {"a": 1}}')
    assert read(['{"input": "half \\ud83d"}']) == ("half \ufffd", "")
    assert read([]) == ("", "")


@given(st.data(), texts.filter(lambda text: not text.lstrip().startswith("{")), st.integers(1, 3))
def test_what_was_encoded_twice_is_decoded_twice(data: st.DataObject, text: str, times: int) -> None:
    arguments = text
    for _ in range(times + 1):
        arguments = json.dumps({"input": arguments})
    cut = data.draw(st.integers(0, len(arguments)))
    assert "".join(read([arguments[:cut], arguments[cut:]])) == text


def test_an_object_that_says_more_is_the_text() -> None:
    for text in ('{"input": "a", "output": "b"}', '{"input": 1}', '{"input": "a"} // done', '{"input'):
        assert "".join(read([json.dumps({"input": text})])) == text
