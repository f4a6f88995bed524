"""`[tools]` of the TOML file."""

from pathlib import Path

import pytest

from adapter.settings.effective import effective
from adapter.settings.secret_values import Secret
from adapter.settings.settings import Settings, SettingsError
from adapter.settings.sources import load_settings
from adapter.settings.tools.settings import ToolSettings

SEARCH = "[tools.web_search]\nbackend = "
DOCS = '[tools.mcp.docs]\nurl = "https://mcp.example.com/mcp"\n'


def load(directory: Path, text: str, **environ: str) -> Settings:
    file = directory / "adapter.toml"
    file.write_text(text)
    return load_settings({}, {"ADAPTER_CONFIG": str(file), "ADAPTER_UPSTREAM_URL": "http://h/v1", **environ})


def test_without_a_table_no_tool_is_run(tmp_path: Path) -> None:
    settings = load(tmp_path, "")
    assert settings.tools == ToolSettings()
    assert not [name for name, _, _ in effective(settings) if name.startswith("tools")]


def test_a_server_with_nothing_but_a_url(tmp_path: Path) -> None:
    server = load(tmp_path, DOCS).tools.mcp["docs"]
    assert (server.label, server.url, server.timeout) == ("docs", "https://mcp.example.com/mcp", 60.0)
    assert server.allowed_tools is None
    assert server.serves("any tenant")


def test_a_server_with_everything(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from-a-file\n")
    text = f"""
        [tools]
        rounds = 4
        calls = 8
        mcp_url_hosts = ["*.example.org"]
        {DOCS}
        authorization = "env:TOKEN"
        headers = {{ X-Team = "file:{secret}" }}
        transport = "sse"
        allowed_tools = ["search", "fetch"]
        require_approval = "always"
        tenants = ["team-a", "sha256:0000000000000000000000000000000000000000000000000000000000000000"]
        timeout = 5
        on_list_failure = "continue"
        list_ttl = 300
        description = "Product documentation"
        connector_id = "connector_docs"
    """
    settings = load(tmp_path, text, TOKEN="hunter2")
    tools, server = settings.tools, settings.tools.mcp["docs"]
    assert (tools.rounds, tools.calls, tools.mcp_url_hosts) == (4, 8, ("*.example.org",))
    assert (server.authorization, server.headers["X-Team"].value) == (Secret("hunter2", "env:TOKEN"), "from-a-file")
    assert server.allowed_tools == {"search", "fetch"}
    assert [server.serves(tenant) for tenant in ("", "team-a", "0" * 64, "team-b")] == [False, True, True, False]
    assert "hunter2" not in repr(settings)
    rows = {name: (value, source) for name, value, source in effective(settings) if name.startswith("tools")}
    file = f"{tmp_path}/adapter.toml"
    assert rows["tools.rounds"] == ("4", f"{file}: tools")
    assert rows["tools.mcp.docs.authorization"] == ("env:TOKEN", f"{file}: tools.mcp.docs")
    assert rows["tools.mcp.docs.headers"] == (f"X-Team: file:{secret}", f"{file}: tools.mcp.docs")
    assert rows["tools.mcp.docs.tenants"] == (f"{'0' * 64}, team-a", f"{file}: tools.mcp.docs")
    assert "hunter2" not in str(rows)


def test_backends_are_shown_with_their_sources(tmp_path: Path) -> None:
    text = f"""
        {SEARCH}"brave"
        key = "env:KEY"
        results = {{ high = 20 }}
        [tools.image_generation]
        upstream = "default"
        model = "images-1"
        [tools.code_interpreter]
        command = ["bwrap", "python3"]
    """
    settings = load(tmp_path, text, KEY="hunter2")
    assert "hunter2" not in repr(settings)
    rows = {name: (value, source) for name, value, source in effective(settings) if name.startswith("tools.")}
    file = f"{tmp_path}/adapter.toml"
    assert rows["tools.web_search.key"] == ("env:KEY", f"{file}: tools.web_search")
    assert rows["tools.web_search.url"] == ("https://api.search.brave.com/res/v1", "default")
    assert rows["tools.web_search.results"] == ("low 3, medium 6, high 20", f"{file}: tools.web_search")
    assert rows["tools.image_generation.model"] == ("images-1", f"{file}: tools.image_generation")
    assert rows["tools.code_interpreter.command"] == ("bwrap python3", f"{file}: tools.code_interpreter")


def test_a_key_in_a_url_is_not_shown(tmp_path: Path) -> None:
    settings = load(tmp_path, '[tools.mcp.a]\nurl = "https://h/mcp?key=hunter2"')
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(effective(settings))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("tools = 7", "tools must be a table, [tools]."),
        ("[tools]\nround = 1", "tools.round is not a setting of tools. Did you mean rounds?"),
        ("[tools]\nrounds = 0", "tools.rounds must be a whole number from 1 to 100, not 0."),
        ("[tools]\nmcp = 7", "tools.mcp must hold tables, [tools.mcp.LABEL], each with a url."),
        ('[tools.mcp."a b"]\nurl = "https://h/"',
         'tools.mcp."a b": a label has up to 64 letters, digits, - and _.'),
        ("[tools.mcp.a]", "tools.mcp.a needs a url: an http or https URL without a user name, for example "
         "https://mcp.example.com/mcp."),
        ('[tools.mcp.a]\nurl = "h/mcp"', "tools.mcp.a.url must be an http or https URL without a user name, for "
         "example https://mcp.example.com/mcp."),
        (DOCS + "timeout = 0", "tools.mcp.docs.timeout must be a number of seconds from 1 to 3600, not 0."),
        (DOCS + 'transport = "stdio"', "tools.mcp.docs.transport must be one of auto, http, sse, not 'stdio'."),
        (DOCS + 'allowed_tools = "search"',
         'tools.mcp.docs.allowed_tools must be an array of tools\' names, for example ["search", "fetch"], not '
         "'search'. In the file it is an array, each value in quotes of its own."),
        (DOCS + 'authorization = "env:NOWHERE"',
         "tools.mcp.docs.authorization: the environment has no variable NOWHERE, or it is empty."),
        (DOCS + 'headers = { Host = "x" }', "tools.mcp.docs.headers.Host is a header that the adapter sets itself."),
        (DOCS + 'headers = { Mcp-Name = "x" }',
         "tools.mcp.docs.headers.Mcp-Name is a header that the adapter sets itself."),
        (DOCS + 'authorization = "a"\nheaders = { authorization = "b" }',
         "tools.mcp.docs: authorization and headers cannot both be sent; give one of them."),
        ("[tools.web_search]", "tools.web_search needs a backend: one of searxng, tavily, brave, mcp."),
        ("tools.web_search = 7", "tools.web_search must be a table, [tools.web_search]."),
        (SEARCH + '"searxng"', "tools.web_search needs a url: where SearXNG is, for example http://searxng:8080."),
        (SEARCH + '"brave"', "tools.web_search needs a key: brave answers none without."),
        (SEARCH + '"mcp"', "tools.web_search needs mcp, the label of a server of [tools.mcp], and tool, the name of "
         "its tool."),
        (SEARCH + '"mcp"\nmcp = "dosc"\ntool = "search"\n' + DOCS,
         "tools.web_search.mcp: there is no server dosc in [tools.mcp]. Did you mean docs?"),
        (SEARCH + '"searxng"\nurl = "http://s"\ntool = "x"', "tools.web_search: mcp and tool belong to the backend "
         "mcp."),
        (SEARCH + '"searxng"\nurl = "http://s"\nresults = { low = 21 }', "tools.web_search.results must be a table of "
         "numbers up to 20, for example { low = 3, medium = 6, high = 12 }, not {'low': 21}."),
        ("[tools.image_generation]\nupstream = 'nowhere'\nmodel = 'm'",
         "tools.image_generation.upstream: there is no upstream nowhere."),
        ("[tools.image_generation]\nupstream = 'default'",
         "tools.image_generation needs a model: a model's name."),
        ("[tools.code_interpreter]", "tools.code_interpreter needs mcp, the label of a server of [tools.mcp], and "
         "tool, the name of its tool."),
        ("[tools.code_interpreter]\ncommand = []", "tools.code_interpreter.command must be an array of texts, a "
         'program and its arguments, for example ["bwrap", "--unshare-all"], not [].'),
        (DOCS + "[tools.code_interpreter]\ncommand = ['x']\nmcp = 'docs'",
         "tools.code_interpreter: code is run by a command or by an MCP server; give one of them."),
        (DOCS + "tenants = ['sha256:x']", "tools.mcp.docs.tenants must be an array of tenants, names of [keys] or the "
         "sha256: of keys without a name, for example [\"team-a\"], not ['sha256:x']."),
        (DOCS + 'connector_id = "c"\n[tools.mcp.b]\nurl = "https://h/"\nconnector_id = "c"',
         "tools.mcp.b.connector_id: tools.mcp.docs has the same."),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_used_is_one_line(text: str, line: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert str(caught.value) == f"{tmp_path}/adapter.toml: {line}"


@pytest.mark.parametrize("text", ['authorization = "hunter2 hunter2"', 'headers = { X = "\\thunter2" }'])
def test_a_secret_that_is_refused_is_not_repeated(text: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, DOCS + text)
    assert "hunter2" not in str(caught.value)
