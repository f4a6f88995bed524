"""Which MCP servers a caller may name, and what is sent to them."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapter.hosting.mcp.errors import MCPError
from adapter.hosting.policy import MAX_SERVERS, MCPDeclaration, ToolPolicy
from adapter.settings.secret_values import Secret
from adapter.settings.tools.servers import MCPServerSettings
from adapter.settings.tools.settings import ToolSettings
from translators.errors import RequestError

DOCS = MCPServerSettings(
    label="docs", url="https://docs.example.com/mcp?key=hunter2", authorization=Secret("operators"), connector_id="c1",
    headers={"X-Team": Secret("red")},
)  # fmt: skip
OPEN = MCPServerSettings(label="open", url="https://open.example.com/mcp")
TEAM = replace(OPEN, label="team", tenants=frozenset({"team-a"}))
POLICY = ToolPolicy(
    ToolSettings(
        mcp={one.label: one for one in (DOCS, OPEN, TEAM)}, mcp_url_hosts=("*.example.org", "tools.internal:8080")
    )
)


def refusal(policy: ToolPolicy = POLICY, tenant: str = "", **declared: Any) -> tuple[str | None, str | None, str]:
    with pytest.raises(RequestError) as caught:
        policy.resolve(MCPDeclaration(**declared), tenant, "tools[0]")
    assert caught.value.status == 400
    assert "hunter2" not in caught.value.message
    assert "operators" not in caught.value.message
    return caught.value.param, caught.value.code, caught.value.message


@pytest.mark.parametrize(
    "url", [None, DOCS.url, "HTTPS://DOCS.example.com/mcp?key=hunter2", "adapter:", "adapter:docs"], ids=str
)
def test_a_configured_label_is_enough(url: str | None) -> None:
    server = POLICY.resolve(MCPDeclaration("docs", url), "", "tools[0]")
    assert (server.label, server.settings.url) == ("docs", DOCS.url)
    assert (server.settings.authorization, server.settings.headers) == (DOCS.authorization, DOCS.headers)


def test_a_credential_from_a_file_is_read_anew(tmp_path: Path) -> None:
    token = tmp_path / "token"
    secret = Secret("before", f"file:{token}")
    settings = MCPServerSettings(
        label="filed", url="https://filed.example/mcp", authorization=secret, headers={"X-Key": secret}
    )
    policy = ToolPolicy(ToolSettings(mcp={"filed": settings}))
    declared = MCPDeclaration("filed")
    for at, (content, expected) in enumerate([("one", "one"), ("two", "two"), ("", "two"), (None, "two")]):
        if content is None:
            token.unlink()
        else:
            token.write_text(content)
            os.utime(token, ns=(at, at + 1))
        server = policy.resolve(declared, "", "tools[0]").settings
        assert server.authorization is not None
        assert [server.authorization.value, server.headers["X-Key"].value] == [expected, expected]


def test_a_connector_is_another_name_for_a_server() -> None:
    server = POLICY.resolve(MCPDeclaration("mine", connector_id="c1"), "", "tools[0]")
    assert (server.label, server.settings.url) == ("mine", DOCS.url)
    assert refusal(server_label="mine", connector_id="c2")[0] == "tools[0].connector_id"


@pytest.mark.parametrize(
    "url", ["https://evil.example.org/mcp", "https://docs.example.com/mcp", "http://docs.example.com/mcp", "nonsense"]
)
def test_the_operator_s_credential_goes_to_no_other_url(url: str) -> None:
    param, code, message = refusal(server_label="docs", server_url=url)
    assert (param, code) == ("tools[0].server_url", "invalid_value")
    assert "another URL" in message


def test_the_caller_s_credential_goes_where_the_operator_has_none() -> None:
    server = POLICY.resolve(MCPDeclaration("open", authorization="own", headers={"X-A": "b"}), "", "tools[0]")
    assert server.settings.authorization == Secret("own")
    assert server.settings.headers == {"X-A": Secret("b")}
    assert "Secret(shown=" in repr(server.settings)


@pytest.mark.parametrize(
    ("declared", "member"),
    [
        ({"server_label": "docs", "authorization": "mine"}, "authorization"),
        ({"server_label": "docs", "headers": {"authorization": "Bearer mine"}}, "headers"),
        ({"server_label": "docs", "headers": {"x-team": "blue"}}, "headers"),
        ({"server_label": "open", "authorization": "a", "headers": {"Authorization": "Bearer b"}}, "headers"),
        ({"server_label": "open", "headers": {"X-A": "1", "x-a": "2"}}, "headers"),
        ({"server_label": "open", "authorization": "a\r\nX: b"}, "authorization"),
        ({"server_label": "open", "authorization": ""}, "authorization"),
        ({"server_label": "open", "headers": {"X-A": "1\r\nHost: evil"}}, "headers"),
        ({"server_label": "open", "headers": {"X-A\r\n": "1"}}, "headers"),
        ({"server_label": "open", "headers": {"": "1"}}, "headers"),
        *[({"server_label": "open", "headers": {name: "1"}}, "headers") for name in (
            "Host", "Content-Length", "Content-Type", "Connection", "Transfer-Encoding", "Mcp-Session-Id", "Mcp-Name",
            "MCP-Protocol-Version", "Cookie", "Proxy-Authorization", "Accept", "Upgrade", "TE", "Expect",
        )],
        ({"server_label": "open", "headers": {f"X-{at}": "1" for at in range(33)}}, "headers"),
        ({"server_label": "open", "headers": {"X-A": "1" * 8192}}, "headers"),
    ],
    ids=str,
)  # fmt: skip
def test_headers_that_are_not_sent(declared: dict[str, Any], member: str) -> None:
    assert refusal(**declared)[:2] == (f"tools[0].{member}", "invalid_value")


def test_a_server_of_another_tenant_does_not_exist() -> None:
    assert POLICY.resolve(MCPDeclaration("team"), "team-a", "tools[0]").label == "team"
    assert refusal(server_label="team") == refusal(server_label="none")


def test_an_unknown_label() -> None:
    assert refusal(server_label="nosuch")[:2] == ("tools[0].server_url", "missing_required_parameter")
    param, _, message = refusal(ToolPolicy(ToolSettings(mcp={"docs": DOCS})), server_label="nosuch")
    assert param == "tools[0].server_label"
    assert "[tools.mcp.nosuch]" in message


@pytest.mark.parametrize("label", ["", "a b", "a" * 65, "ä", "a.b", "a\n"])
def test_a_label_that_is_none(label: str) -> None:
    assert refusal(server_label=label)[:2] == ("tools[0].server_label", "invalid_value")


@pytest.mark.parametrize("url", ["https://a.example.org/mcp", "http://tools.internal:8080/mcp"])
def test_a_url_on_an_allowed_host(url: str) -> None:
    server = POLICY.resolve(MCPDeclaration("mine", url, authorization="own"), "", "tools[0]")
    assert (server.settings.url, server.settings.require_approval) == (url, "inherit")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://a.example.org/mcp", "invalid_value"),  # in the clear, at a host that is not named in full
        ("https://example.com/mcp", "unsupported_parameter"),
        ("https://a.example.org:8443/mcp", "unsupported_parameter"),
        ("http://127.0.0.1/mcp", "unsupported_parameter"),
        ("https://me:secret@a.example.org/mcp", "invalid_value"),
        ("ftp://a.example.org/mcp", "invalid_value"),
        ("https://a.example.org/" + "x" * 8192, "invalid_value"),
        ("stdio:server", "invalid_value"),
    ],
    ids=lambda value: value[:40],
)
def test_a_url_that_is_not_allowed(url: str, code: str) -> None:
    assert refusal(server_label="mine", server_url=url)[:2] == ("tools[0].server_url", code)


def test_no_url_of_a_caller_leads_to_the_admin_address() -> None:
    policy = ToolPolicy(ToolSettings(mcp_url_hosts=("127.0.0.1:9464",)), admin_port=9464)
    server = policy.resolve(MCPDeclaration("mine", "http://127.0.0.1:9464/metrics"), "", "tools[0]")
    with pytest.raises(MCPError, match="could not be reached"):
        server.list_tools()
    server.close()


@pytest.mark.parametrize("trusts", [True, False])
def test_whether_servers_of_callers_are_believed(trusts: bool) -> None:
    policy = ToolPolicy(ToolSettings(mcp_url_hosts=("a.example.org",), trust_annotations=trusts))
    server = policy.resolve(MCPDeclaration("mine", "https://a.example.org/mcp"), "", "tools[0]")
    assert server.settings.trust_annotations == trusts


def test_labels_are_unique_and_servers_few() -> None:
    with pytest.raises(RequestError) as caught:
        POLICY.resolve_all([("tools[0]", MCPDeclaration("open")), ("tools[2]", MCPDeclaration("open"))], "")
    assert (caught.value.param, caught.value.code) == ("tools[2].server_label", "invalid_value")
    many = [(f"tools[{at}]", MCPDeclaration(f"s{at}", "https://a.example.org/")) for at in range(MAX_SERVERS + 1)]
    assert len(POLICY.resolve_all(many[:-1], "")) == MAX_SERVERS
    with pytest.raises(RequestError, match="at most 16"):
        POLICY.resolve_all(many, "")
