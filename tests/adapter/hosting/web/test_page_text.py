"""The text of web pages."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.hosting.web.page_text import read_html


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("", ""),
        ("plain 1 < 2 <3", "plain 1 < 2 <3"),
        ("<p>One</p><p>Two&nbsp;&amp; three</p>", "One\n\nTwo & three"),
        ("<h2>Head</h2><ul><li>a<li>b</ul>", "## Head\n\n- a\n- b"),
        ("<table><tr><td>1<td>2<tr><td>3</table>", "1 2\n3"),
        ("a<script>if (a<b) '</p>'</script>b<style>p{}</Style>c", "abc"),
        ("a<!-- <p>no</p> -->b<!-->", "ab"),
        ("<nav>menu<nav>deep</nav></nav>a<footer>end", "a"),
        ('<a title="1>2" href=x>link</a>', "link"),
        ('<a title="open>text', "text"),
        ("a<br/>b", "a\nb"),
        ("a\x00\x1b\u0085b &#0; &#99999999999999999999; c", "ab � � c"),
        ("<p>" + "&#" + "9" * 5000, "&#" + "9" * 5000),
        ("<p", ""),
        ("<textarea>draft</textarea><noscript>enable it</noscript>x", "x"),
        ("word<b>bold</b> <i>it</i>", "wordbold it"),
    ],
)
def test_what_a_reader_sees(page: str, text: str) -> None:
    assert read_html(page)[1] == text


def test_the_title() -> None:
    page = "<html><head><title>A &amp;\n<b></title><meta x></head><body>b<svg><title>icon</title></svg></body>"
    assert read_html(page) == ("A & <b>", "b")
    assert len(read_html("<title>" + "x" * 1000)[0]) == 200


@given(st.text(alphabet="<>/!-=\"' apnv&;", max_size=60))
def test_any_text_is_read(page: str) -> None:
    _, text = read_html(page)
    assert "\n\n\n" not in text


@pytest.mark.parametrize(
    "unit",
    ["<!--", "<", "<a ", "<a b=", '<a b="', "</", "<!", "<?", "<![", "&", "<div>", "<script>", "<nav>", "</nav>"],
)
def test_no_page_takes_long(unit: str) -> None:
    """The standard library's parser takes 16 seconds for some of them."""
    began = time.process_time()
    read_html(unit * (20_000 // len(unit)))
    assert time.process_time() - began < 0.5
