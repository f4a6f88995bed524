"""`GET /`: a page for a browser, which may load nothing; a few lines for anything else."""

import base64
import hashlib
import html
import re

import pytest
from flask.testing import FlaskClient

from tests.support.app import make_app

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("accept", ["*/*", "text/plain", ""])
def test_text(accept: str, client: FlaskClient) -> None:
    answer = client.get("/", headers={"Accept": accept})
    assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
    assert "http://localhost/v1/responses" in answer.text


def test_a_page(client: FlaskClient) -> None:
    answer = client.get("/", headers={"Accept": BROWSER})
    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")
    assert 'base_url = "http://localhost/v1"' in answer.text
    assert "BASE" not in answer.text
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//|@import|url\(""", answer.text)
    assert "innerHTML" not in answer.text


@pytest.mark.parametrize("keys", [(), ("sk-12345678",)])
def test_its_examples_have_a_key_where_one_is_needed(keys: tuple[str, ...]) -> None:
    page = html.unescape(make_app(api_keys=keys).test_client().get("/", headers={"Accept": BROWSER}).text)
    assert not re.search(r"[A-Z]+_KEY(?<!RESPONSES_KEY)", page)
    header = '-H "Authorization: Bearer $RESPONSES_KEY" \\\n'
    for example in (header, 'api_key="YOUR-KEY"', 'env_key = "RESPONSES_KEY"'):
        assert (example in page) == bool(keys)
    assert ('api_key="sk-anything"' in page) == (not keys)


def test_the_policy_allows_the_page_s_own_script_and_nothing_else(client: FlaskClient) -> None:
    answer = client.get("/", headers={"Accept": BROWSER})
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    for name in ("style", "script"):
        (text,) = re.findall(rf"<{name}>(.*?)</{name}>", answer.text, re.S)
        assert policy[f"{name}-src"] == f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert not re.search(r" on\w+=| style=", answer.text), "an attribute that the policy forbids"
