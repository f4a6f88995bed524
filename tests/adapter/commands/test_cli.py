"""The command line, run as people run it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from adapter.settings.settings import DESCRIPTIONS
from tests.support.servers.upstream import Upstream, whole

COMMANDS = ["serve", "check", "watch", "keys", "usage", "lessons", "translate", "replay", "config", "store"]


def run(*arguments: str, stdin: str = "", **environ: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-W", "error", "-m", "adapter.cli", *arguments]
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": os.getcwd()}
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=30, env=bare | environ)


def test_help_lists_every_command_and_teaches_by_example() -> None:
    shown = run("--help").stdout
    titles = ("Set up and serve", "See what happens", "Look after callers and data")
    groups = [shown.split(f"\n{title}:\n")[1].split("\n\n")[0].splitlines() for title in titles]
    assert sorted(line.split()[0] for group in groups for line in group) == sorted(COMMANDS)
    for command in COMMANDS:
        if command != "config":
            assert f"responses-adapter {command}" in shown
        assert run(command, "-h").returncode == 0


def test_help_of_serve_names_every_setting() -> None:
    shown = " ".join(run("serve", "--help").stdout.split())
    for of in DESCRIPTIONS.values():
        assert of.variable in shown
        assert (of.flag in shown) is not of.secret


def test_version() -> None:
    assert run("--version").stdout.startswith("responses-adapter 0.")


def test_help_does_not_load_the_server() -> None:
    probe = "import sys, adapter.cli; print([name for name in sys.modules if name in {'requests', 'flask', 'gevent'}])"
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True).stdout == "[]\n"


def test_config_shows_values_and_sources_and_masks_secrets() -> None:
    shown = run("config", "--workers", "3", ADAPTER_API_KEYS="hunter2-hunter2", ADAPTER_BIND="0.0.0.0:80")
    rows = {row.split()[0]: row.split()[1:] for row in shown.stdout.splitlines()}
    assert rows.keys() == DESCRIPTIONS.keys()
    assert rows["workers"] == ["3", "--workers"]
    assert rows["bind"] == ["0.0.0.0:80", "ADAPTER_BIND"]
    assert rows["api_keys"] == ["****", "ADAPTER_API_KEYS"]
    assert rows["upstream_url"] == ["(unset)", "default"]
    assert "hunter2" not in shown.stdout + shown.stderr


@pytest.mark.parametrize("command", [["serve"], ["config"], ["check"], ["replay", "-"], ["translate", "-"]])
def test_a_bad_setting_is_one_line_and_exit_code_2(command: list[str]) -> None:
    refused = run(*command, ADAPTER_UPSTREAM="http://h")
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr.startswith("responses-adapter: ADAPTER_UPSTREAM in the environment is not a setting.")
    assert refused.stderr.count("\n") == 1


def test_translate_prints_the_chat_request_and_the_notes() -> None:
    request = {"model": "m", "instructions": "Be brief.", "input": "Hé", "max_output_tokens": 32, "user": "u"}
    done = run("translate", "-", stdin=json.dumps(request))
    assert json.loads(done.stdout) == {
        "model": "m",
        "max_tokens": 32,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hé"}],
    }
    assert done.stderr.startswith("note: user dropped: ")
    assert done.returncode == 0


def test_translate_speaks_the_dialect_it_is_given() -> None:
    request = json.dumps({"model": "m", "input": "Hi", "max_output_tokens": 32})
    shown = run("translate", "--dialect", "openai", "-", stdin=request).stdout
    assert json.loads(shown)["max_completion_tokens"] == 32


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ('{"model": "m", "input": 3}', "400 invalid_request_error (param input): Invalid type for 'input'"),
        ("{", "400 invalid_request_error: We could not parse the JSON body of your request."),
    ],
)
def test_translate_refuses_what_the_service_would(body: str, line: str) -> None:
    refused = run("translate", "-", stdin=body)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(line)


def test_replay_prints_the_stream_of_recorded_chunks(tmp_path: Path) -> None:
    recorded = tmp_path / "chunks.sse"
    chunk = {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}
    recorded.write_text(f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n")
    done = run("replay", str(recorded))
    frames = done.stdout.split("\n\n")
    assert [frame.split("\n")[0] for frame in frames[:-2]] == [
        "event: response.created", "event: response.in_progress", "event: response.output_item.added",
        "event: response.content_part.added", "event: response.output_text.delta",
        "event: response.output_text.done", "event: response.content_part.done", "event: response.output_item.done",
        "event: response.completed",
    ]  # fmt: skip
    assert frames[-2:] == ["data: [DONE]", ""]
    assert done.stderr.startswith("note: usage estimated: ")
    assert run("replay", str(recorded)).stdout == done.stdout, "the same file, another output"


def test_replay_of_an_answer_that_fails_exits_with_1() -> None:
    failed = run("replay", "-", stdin='data: {"error": {"message": "out of order"}}\n\n')
    assert (failed.returncode, "event: response.failed" in failed.stdout) == (1, True)
    assert failed.stderr.splitlines()[-1] == "failed: out of order"


def test_translate_reads_a_file_as_editors_of_windows_write_it() -> None:
    request = json.dumps({"model": "m", "input": "Hi"})
    assert run("translate", "-", stdin="\ufeff" + request).stdout == run("translate", "-", stdin=request).stdout != ""


@pytest.mark.parametrize(("words", "completed"), [
    ("serve --dialect ol", ["plain,ollama"]), ("check --dialect llama", ["plain,llama_cpp"]),
    ("serve --log-format ", ["plain,auto", "plain,json", "plain,console"]), ("serve --config ad", ["file,ad"]),
    ("serve --bind 127", []), ("che", ["plain,check"]), ("config in", ["plain,init"]),
])  # fmt: skip
def test_a_shell_completes_commands_and_values(words: str, completed: list[str]) -> None:
    line = f"responses-adapter {words}"
    variables = {"_RESPONSES_ADAPTER_COMPLETE": "bash_complete", "COMP_WORDS": line}
    shown = run(**variables, COMP_CWORD=str(len(line.split(" ")) - 1)).stdout
    assert shown.split() == completed


def test_replay_shows_reasoning_as_it_is_told() -> None:
    chunk = {"choices": [{"index": 0, "delta": {"reasoning_content": "Hm"}}]}
    shown = run("replay", "--reasoning-as", "content", "-", stdin=f"data: {json.dumps(chunk)}\n\n").stdout
    assert "event: response.reasoning_text.delta" in shown


@pytest.mark.parametrize(("command", "means", "means_to_a_server"), [
    (("watch",), "address of the server to watch", "listen"),
    (("keys", "list"), "Show the keys of the store", "Accept"),
])  # fmt: skip
def test_a_flag_says_what_it_means_to_its_command(
    command: tuple[str, ...], means: str, means_to_a_server: str
) -> None:
    shown = " ".join(run(*command, "--help").stdout.split())
    assert means in shown
    assert means_to_a_server not in shown


@pytest.mark.parametrize("command", ["translate", "replay"])
def test_a_file_that_is_not_there_is_one_line(command: str) -> None:
    refused = run(command, "nowhere")
    assert refused.returncode == 2
    assert "nowhere" in refused.stderr.splitlines()[-1]
    assert "Traceback" not in refused.stderr


def test_check_without_an_upstream_checks_the_demo() -> None:
    checked = run("check", "--json")
    assert (checked.returncode, "bundled demo" in checked.stderr) == (0, True)
    (upstream,) = json.loads(checked.stdout)["upstreams"]
    assert [probe["name"] for probe in upstream["probes"] if probe["verdict"] != "ok"] == ["images"]
    assert upstream["advice"] == ["For Codex: `model_context_window = 128000`."]


ROUTED = """
[upstreams.a]
url = "http://127.0.0.1:9/v1"
[upstreams.b]
url = "http://127.0.0.1:9/v1"
dialect = "openai"
[models]
"a-*" = "a"
b = { upstream = "b", model = "its-own-name" }
"""


@pytest.fixture
def routed(tmp_path: Path) -> str:
    (tmp_path / "adapter.toml").write_text(ROUTED)
    return str(tmp_path / "adapter.toml")


def test_check_asks_every_upstream_or_the_one_it_is_told(routed: str) -> None:
    both = run("check", "--config", routed)
    assert both.returncode == 1
    assert [line for line in both.stdout.splitlines() if line.startswith("Checking")] == [
        "Checking a, http://127.0.0.1:9/v1", "Checking b, http://127.0.0.1:9/v1",
    ]
    assert both.stdout.count("cannot reach http://127.0.0.1:9/v1: Connection refused.") == 2
    one = run("check", "--config", routed, "--upstream", "b", "--dialect", "groq")
    assert "Checking b, http://127.0.0.1:9/v1\n" in one.stdout
    assert "Checking a," not in one.stdout


@pytest.mark.parametrize(("flags", "dialect"), [((), "openai"), (("--dialect", "groq"), "groq")])
def test_check_names_the_dialect_of_an_upstream(routed: str, flags: tuple[str, ...], dialect: str) -> None:
    checked = json.loads(run("check", "--config", routed, "--upstream", "b", "--json", *flags).stdout)
    assert [one["dialect"] for one in checked["upstreams"]] == [dialect]


def test_check_names_the_dialect_that_it_recognises(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "models", {"data": [{"id": "m", "owned_by": "vllm"}]})
    upstream.otherwise = lambda received: whole({"error": {"message": "Not now"}}, 503)
    url = upstream.url
    shown = run("check", "--upstream-url", url).stdout.splitlines()
    assert shown[0] == f"Checking {url}"
    assert [line.split(maxsplit=4)[4] for line in shown if "dialect " in line[:10]] == [
        "vllm: the models are owned by vllm"
    ]
    assert json.loads(run("check", "--upstream-url", url, "--json").stdout)["upstreams"][0]["dialect"] == "vllm"


def test_check_of_an_upstream_that_is_none(routed: str) -> None:
    refused = run("check", "--config", routed, "--upstream", "bb")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "responses-adapter: --upstream: there is no upstream bb. Did you mean b?\n"


def test_translate_speaks_as_the_model_s_upstream_is_spoken_to(routed: str) -> None:
    request = {"input": "Hi", "max_output_tokens": 32}
    shown = json.loads(run("translate", "--config", routed, "-", stdin=json.dumps({"model": "b", **request})).stdout)
    assert (shown["model"], shown["max_completion_tokens"]) == ("its-own-name", 32)
    shown = json.loads(run("translate", "--config", routed, "-", stdin=json.dumps({"model": "a-1", **request})).stdout)
    assert (shown["model"], shown["max_tokens"]) == ("a-1", 32)
    refused = run("translate", "--config", routed, "-", stdin=json.dumps({"model": "c", **request}))
    assert (refused.returncode, "The requested model 'c' does not exist." in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ((), "auto"),
        (("--upstream-url", "http://127.0.0.1:11434/v1"), "auto: ollama"),
        (("--upstream-url", "https://api.example.com/v1"), "auto: default"),
        (("--upstream-url", "http://127.0.0.1:11434/v1", "--dialect", "vllm"), "vllm"),
    ],
)
def test_config_shows_the_dialect_that_auto_leads_to(arguments: tuple[str, ...], shown: str) -> None:
    (row,) = [line for line in run("config", *arguments).stdout.splitlines() if line.startswith("dialect ")]
    assert row.split()[1 : 1 + len(shown.split())] == shown.split()


def test_config_shows_upstreams_and_models(routed: str) -> None:
    shown = run("config", "--config", routed).stdout
    assert "upstreams.b.url " in shown
    (row,) = [line for line in shown.splitlines() if line.startswith("models.b ")]
    assert row.split() == ["models.b", "its-own-name", "at", "b", f"{routed}:", "models"]


@pytest.mark.parametrize(("arguments", "line"), [
    (("keys", "create", "a b"), 'keys."a b": a name has up to 63 letters, digits, dots, - and _.'),
    (("keys", "create", "a" * 999), f"keys.\"{'a' * 64}…\": a name has up to 63 letters, digits, dots, - and _."),
    (("keys", "create", "a", "--tenant", ""), "keys.a.tenant must be a name"),
    (("keys", "create", "a", "--model", "*x*"), "keys.a.models must be an array of models' names"),
    (("check", "--upstream", "a"), "--upstream: there is no upstream a."),
    (("watch", "--admin-bind", "127.0.0.1:9"), "The server cannot be reached: Connection refused."),
    (("lessons", "--store", "redis://127.0.0.1:9/0"), "The store redis://127.0.0.1:9/0 cannot be reached"),
])  # fmt: skip
def test_what_cannot_be_done_is_one_line(arguments: tuple[str, ...], line: str) -> None:
    refused = run(*arguments)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert refused.stderr.startswith(f"responses-adapter: {line}")


@pytest.mark.parametrize(("arguments", "line"), [
    (("config", "inti"), "Error: No such command 'inti'. Did you mean 'init'?"),
    (("serve", "--upstream-api-key", "k"), "responses-adapter: --upstream-api-key is no flag, since other users of a "
     "machine can read a command line. Set ADAPTER_UPSTREAM_API_KEY, or upstream_api_key in the file."),
    (("keys", "create", "a", "--days", "99999999"), "Error: Invalid value for '--days': 99999999 is not in the range"),
])  # fmt: skip
def test_a_wrong_word_is_named(arguments: tuple[str, ...], line: str) -> None:
    refused = run(*arguments)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.splitlines()[-1].startswith(line)


def test_a_full_output_is_one_line() -> None:
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "adapter.cli", "config", "show"]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
    assert ended.returncode == 2
    assert ended.stderr == "responses-adapter: The output cannot be written: No space left on device.\n"


def test_a_key_that_has_used_nothing_is_named(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/store.db"
    run("keys", "create", "one", "--stored", "--store", store)
    assert run("usage", "--store", store).stdout == "No key has used anything.\n"
    assert run("usage", "--store", store, "--key", "one").stdout == "The key one has used nothing.\n"


def test_lessons_of_a_store_in_memory_are_not_there_to_be_read() -> None:
    shown = run("lessons", ADAPTER_STORE="memory:", ADAPTER_WORKERS="1").stdout
    assert shown == "The lessons of a server with a memory: store cannot be read from outside.\n"
