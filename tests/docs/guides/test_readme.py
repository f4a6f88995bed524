"""README.md: what it tells a stranger to type, send and configure is there and is taken."""

import re
import shlex
import tomllib
from pathlib import Path

from adapter import create_app
from adapter.api.request.schemas import parse_create
from adapter.cli import main
from adapter.settings.description import PREFIX
from adapter.settings.settings import DESCRIPTIONS
from adapter.settings.sources import load_settings
from tests.clients.install import NODE, PYTHON
from translators.dialects.presets import PRESETS

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "README.md").read_text()
BASE = "http://" + load_settings({}, {}).bind


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.M | re.S)


def curl() -> list[str]:
    """Return the words of the curl command, as a shell splits them."""
    (command,) = re.findall(r"^    (curl (?:.*\\\n)*.*)$", TEXT, re.M)
    return shlex.split(command.replace("\\\n", " "))


def routes() -> set[tuple[str, str]]:
    given = {"upstream_url": "http://127.0.0.1:9/v1", "store": "memory:", "workers": 1}
    app = create_app(load_settings(given, {}))
    return {(method, rule.rule) for rule in app.url_map.iter_rules() for method in rule.methods or ()}


def test_every_make_target_it_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"\bmake ([a-z]+) ", TEXT)) | set(re.findall(r"\bmake ([a-z]+)$", TEXT, re.M))
    assert {"run", "test", "lint", "bench"} <= named
    assert named <= set(re.findall(r"^([a-z]+):", makefile, re.M))


def test_every_command_it_names_exists_and_none_is_left_out() -> None:
    (line,) = re.findall(r"^Command line: (.*?)\n\n", TEXT, re.M | re.S)
    assert {name.split()[0] for name in re.findall(r"`([^`]+)`", line) if name != "--help"} == main.commands.keys()
    assert set(re.findall(r"responses-adapter ([a-z]+)", TEXT)) <= main.commands.keys()


def test_every_variable_it_names_is_a_setting() -> None:
    named = set(re.findall(rf"{PREFIX}[A-Z_]+[A-Z]", TEXT)) - set(re.findall(r'env_key = "(\w+)"', TEXT))
    assert named
    assert named <= {of.variable for of in DESCRIPTIONS.values()}


def test_its_curl_line_is_a_request_that_is_taken() -> None:
    words = curl()
    assert words[2] == f"{BASE}/v1/responses"
    assert words[words.index("-H") + 1] == "Content-Type: application/json"
    request = parse_create(words[words.index("-d") + 1].encode(), max_items=10)
    assert request.stream
    assert request.model == "demo"


def test_its_clients_call_the_address_that_is_served_by_default() -> None:
    for language in ("python", "javascript", "toml"):
        (code,) = blocks(language)
        assert re.findall(r"http://[^\"]+", code) == [f"{BASE}/v1"]


def test_its_python_and_javascript_make_two_turns() -> None:
    for language in ("python", "javascript"):
        (code,) = blocks(language)
        assert code.count("client.responses.create(") == 2
        assert re.search(r"previous_response_id[=:] ?first\.id", code)
    (code,) = blocks("python")
    compile(code, "README.md", "exec")


def test_its_codex_configuration_names_its_own_provider() -> None:
    (text,) = blocks("toml")
    config = tomllib.loads(text)
    provider = config["model_providers"][config["model_provider"]]
    assert provider["wire_api"] == "responses"


def test_every_route_it_names_is_served() -> None:
    named = {("GET", path) for path in re.findall(r"`(/(?!v1|input)[a-z]+)`", TEXT)}
    for methods, path in re.findall(r"`((?:[A-Z]+(?:` and `| ))+)(/[^`]+)`", " ".join(TEXT.split())):
        named |= {(method, path.replace("{id}", "<id>")) for method in re.findall(r"[A-Z]+", methods)}
    assert len(named) == 10
    assert named <= routes()


def proof(words: str) -> str:
    """Return the figure of a row of the table of proofs."""
    (figure,) = re.findall(rf"^\| {words}.* \| ([^|]+) \|$", TEXT, re.M)
    return str(figure)


def test_it_counts_the_presets() -> None:
    assert proof("presets") == str(len(PRESETS) - 1)  # the default is for unknown providers


def test_it_counts_the_conformance_tests() -> None:
    tests = sum(path.read_text().count("\ndef test_") for path in (ROOT / "tests/conformance").glob("*.py"))
    assert proof("Open Responses' conformance tests") == f"{tests} of {tests}"


def test_it_counts_the_recordings() -> None:
    page = (ROOT / "docs/recordings.md").read_text()
    exact, every = zip(*re.findall(r"^\| [a-z, ]+ \| (\d+) \| (\d+) \|$", page, re.M), strict=True)
    assert proof("recorded answers") == f"{sum(map(int, exact))} of {sum(map(int, every))}"
    (providers,) = re.findall(r"answers of (\d+) providers", page.partition("\n\n")[2])[:1]
    assert f"of {providers} providers" in TEXT


def test_it_says_what_was_measured() -> None:
    page = (ROOT / "docs/performance.md").read_text()
    rows = dict(re.findall(r"^\| ([^|]+) \|.* \| ([\d.]+) \| [\d.]+ \|$", page, re.M))
    paced, plain = rows["300 streams of 30 deltas a second"], rows["unstreamed, not stored"]
    assert proof("CPU time beside nginx") == f"{paced} ×, {plain} ×"


def test_it_counts_the_clients() -> None:
    node = {"openai", "@openai/agents", "ai", "@openai/codex"}
    assert node <= NODE.keys()
    assert proof("real clients") == str(len(PYTHON) + len(node) + len({"openai for Python"}))


def test_it_counts_the_attacks() -> None:
    table = (ROOT / "SECURITY.md").read_text().partition("| attack |")[2].partition("\n\n")[0]
    assert proof("attacks") == str(table.count("\n| "))


def test_every_page_it_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)", TEXT)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_path_it_names_is_there() -> None:
    named = re.findall(r"`((?:translators|adapter|docs)/[\w./]*)`", TEXT)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
