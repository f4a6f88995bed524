"""Where settings come from, which values they take, and the line that refuses the others."""

import dataclasses
from pathlib import Path

import pytest

from adapter.settings.effective import effective
from adapter.settings.settings import DESCRIPTIONS, Settings, SettingsError
from adapter.settings.sources import load_settings
from adapter.settings.store_url import without_password

REACHABLE = {"ADAPTER_BIND": "0.0.0.0:8000"}


def refusal(environ: dict[str, str], cli: dict[str, object] | None = None) -> str:
    """Return the line that refuses these settings."""
    with pytest.raises(SettingsError) as refused:
        load_settings(cli, environ)
    message = str(refused.value)
    assert "\n" not in message
    return message


def toml(directory: Path, text: str) -> dict[str, str]:
    path = directory / "adapter.toml"
    path.write_text(text)
    return {"ADAPTER_CONFIG": str(path)}


def test_nothing_given_is_all_defaults() -> None:
    assert load_settings({}, {}) == Settings()


def test_flag_over_environment_over_file_over_default(tmp_path: Path) -> None:
    environ = {**toml(tmp_path, "workers = 3\nkeep_alive = 20\nlog_level = 'debug'"), "ADAPTER_WORKERS": "4"}
    settings = load_settings({"workers": "5", "bind": None}, environ)
    assert (settings.workers, settings.keep_alive, settings.log_level) == (5, 20.0, "debug")
    assert load_settings({}, environ).workers == 4
    assert {name: source for name, _, source in effective(settings) if source != "default"} == {
        "config": "ADAPTER_CONFIG",
        "workers": "--workers",
        "keep_alive": f"{tmp_path}/adapter.toml: keep_alive",
        "log_level": f"{tmp_path}/adapter.toml: log_level",
    }


@pytest.mark.parametrize(("text", "seconds"), [("60", 60), ("3600", 3600), ("2h", 7200), ("30d", 2_592_000)])
def test_an_age_is_seconds_hours_or_days(text: str, seconds: int) -> None:
    assert load_settings({}, {"ADAPTER_RETENTION": text}).retention == seconds


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://me:p@ss/w:rd@db:5432/a", "postgresql+psycopg://me:****@db:5432/a"),
        (
            "postgresql+psycopg://me@db/a?password=hunter2&sslmode=require",
            "postgresql+psycopg://me@db/a?password=****&sslmode=require",
        ),
        ("postgresql+psycopg://db:5432/a", "postgresql+psycopg://db:5432/a"),
        ("redis://:hunter2@cache:6379/0", "redis://:****@cache:6379/0"),
        ("sqlite:////var/lib/adapter.db", "sqlite:////var/lib/adapter.db"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_a_store_is_not_shown_by_the_settings_object() -> None:
    assert "s3cret" not in repr(load_settings({}, {"ADAPTER_STORE": "postgresql://me:s3cret@db/a"}))


def test_the_flag_that_names_the_file_wins_over_the_variable(tmp_path: Path) -> None:
    named = toml(tmp_path, "workers = 3")["ADAPTER_CONFIG"]
    assert load_settings({"config": named}, {"ADAPTER_CONFIG": "/nowhere.toml"}).workers == 3


def test_every_setting_can_come_from_the_environment_and_from_toml(tmp_path: Path) -> None:
    prompt = tmp_path / "prompt.md"
    prompt.write_text("Be a coding agent.")
    values = {
        "bind": "127.0.0.1:1", "workers": 3, "upstream_url": "http://h/v1", "upstream_api_key": "k", "dialect": "groq",
        "connect_timeout": 1.5, "upstream_timeout": 2.5, "retries": 3,
        "upstream_headers": ["X-Team: a", "X-Title: b c"], "upstream_ca_file": "ca.pem",
        "upstream_certificate": "c.pem",
        "upstream_certificate_key": "k.pem", "store": "sqlite:///x.db", "retention": 86400,
        "api_keys": ["key-number-1", "k" * 8], "allow_open": True, "secret_key": ["s" * 32, "t" * 32],
        "stored_keys": True, "reasoning_as": "content", "grace_window": 1.0, "keep_alive": 2.0,
        "passthrough": ["stop", "top_k"], "prompts": str(tmp_path), "max_body_bytes": 2048,
        "file_url_hosts": ["*.h", "10.0.0.7:8080"], "max_file_bytes": 2048, "max_input_items": 3,
        "max_output_bytes": 4096, "body_timeout": 4.0,
        "write_timeout": 5.0, "shutdown_grace": 6.0, "store_cache_bytes": 7, "history_cache_bytes": 8,
        "log_level": "error", "log_format": "console", "cors_origins": ["https://a.example", "tauri://localhost"],
        "max_bodies_bytes": 4096, "max_background": 5, "tenant_share": 25, "tenant_stored_bytes": 8192,
        "tenant_stored_items": 6, "admin_bind": "127.0.0.1:2", "admin_key": "test-admin-key-0123",
        "admin_hosts": ["ops.example"], "codex_instructions": str(prompt),
        "max_responses": 9, "max_lag": 2.0, "otlp_endpoint": "http://h:1",
        "otlp_headers": ["Authorization: Bearer a"], "trace_start": True,
        "trace_sample": 0.5, "inspector": "heads", "inspector_bytes": 1 << 20,
        "forward": False,
    }  # fmt: skip
    assert values.keys() | {"config"} == DESCRIPTIONS.keys()
    written = {name: str(value).lower() if isinstance(value, bool) else repr(value) for name, value in values.items()}
    file = "".join(f"{name} = {value}\n" for name, value in written.items())
    texts = {
        f"ADAPTER_{name.upper()}": ",".join(value) if isinstance(value, list) else str(value)
        for name, value in values.items()
    }
    from_toml = load_settings({}, toml(tmp_path, file))
    assert dataclasses.replace(from_toml, config=None) == load_settings({}, texts)
    assert from_toml.api_keys == ("key-number-1", "kkkkkkkk")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("log_level", "INFO", "info"), ("dialect", "LM-Studio", "lm_studio"), ("allow_open", "yes", True),
     ("allow_open", "Off", False), ("retention", "90m", 5400), ("retention", "60s", 60)],
)  # fmt: skip
def test_other_words_for_a_value(name: str, text: str, value: object) -> None:
    assert getattr(load_settings({}, {f"ADAPTER_{name.upper()}": text}), name) == value


def test_other_words_for_a_choice_in_the_file(tmp_path: Path) -> None:
    table = '[upstreams.a]\nurl = "http://h/v1"\ndialect = { preset = "LM-Studio" }\n'
    found = load_settings({}, toml(tmp_path, 'log_level = "INFO"\ndialect = "vLLM"\n' + table))
    assert (found.log_level, found.dialect, found.upstreams[0].dialect.name) == ("info", "vllm", "lm_studio")


def test_a_url_that_cannot_be_used_says_why() -> None:
    assert refusal({"ADAPTER_UPSTREAM_URL": "http://h/v1/responses"}).endswith(
        ", not 'http://h/v1/responses'. It leads to a Responses API, and this adapter needs one for chat completions."
    )
    message = refusal({"ADAPTER_UPSTREAM_URL": "https://me:hunter2@h/v1"})
    assert message.endswith("/v1. A user name or key in it would not be sent; set upstream_api_key or headers.")
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("variable", "text", "line"),
    [
        ("WORKERS", "two", "ADAPTER_WORKERS must be a whole number from 1 to 64, not 'two'."),
        ("WORKERS", "0", "ADAPTER_WORKERS must be a whole number from 1 to 64, not 0."),
        ("WORKERS", "2.0", "ADAPTER_WORKERS must be a whole number from 1 to 64, not '2.0'."),
        ("WORKERS", "9" * 30, f"ADAPTER_WORKERS must be a whole number from 1 to 64, not '{'9' * 30}'."),
        ("KEEP_ALIVE", "nan", "ADAPTER_KEEP_ALIVE must be a number of seconds from 1 to 300, not 'nan'."),
        ("KEEP_ALIVE", "1e3", "ADAPTER_KEEP_ALIVE must be a number of seconds from 1 to 300, not '1e3'."),
        ("KEEP_ALIVE", "301", "ADAPTER_KEEP_ALIVE must be a number of seconds from 1 to 300, not 301.0."),
        ("ALLOW_OPEN", "maybe", "ADAPTER_ALLOW_OPEN must be true or false, not 'maybe'."),
        ("LOG_FORMAT", "jso", "ADAPTER_LOG_FORMAT must be one of auto, json, console, not 'jso'. Did you mean json?"),
        ("LOG_FORMAT", "xml", "ADAPTER_LOG_FORMAT must be one of auto, json, console, not 'xml'."),
        ("DIALECT", "grok", "ADAPTER_DIALECT must be one of auto, default, "),
        ("BIND", "8000", "ADAPTER_BIND must be host:port, for example 127.0.0.1:8000 or [::1]:8000, or unix: and the "),
        ("BIND", "127.0.0.1:65536", "ADAPTER_BIND must be host:port, "),
        ("UPSTREAM_URL", "localhost:11434/v1", "ADAPTER_UPSTREAM_URL must be the provider's base URL, "),
        ("UPSTREAM_URL", "http://h:x/v1", "ADAPTER_UPSTREAM_URL must be the provider's base URL, "),
        ("UPSTREAM_URL", "http://h/v1/responses", "ADAPTER_UPSTREAM_URL must be the provider's base URL, "),
        ("STORE", "mysql://h/db", "ADAPTER_STORE must be memory:, sqlite:///path/to/file.db"),
        ("STORE", "sqlite:///", "ADAPTER_STORE must be memory:, sqlite:///path/to/file.db"),
        ("STORE", "postgresql+psycopg://h:x/db", "ADAPTER_STORE must be memory:, sqlite:///path/to/file.db"),
        ("STORE", "postgresql+asyncpg://h/db", "ADAPTER_STORE must be memory:, sqlite:///path/to/file.db"),
        ("RETENTION", "59", "ADAPTER_RETENTION must be at least 60 seconds: "),
        ("RETENTION", "30 days", "ADAPTER_RETENTION must be at least 60 seconds: "),
        ("FILE_URL_HOSTS", "https://h", "ADAPTER_FILE_URL_HOSTS must be a comma list of hosts, for example "),
        ("FILE_URL_HOSTS", "h, h:0", "ADAPTER_FILE_URL_HOSTS must be a comma list of hosts, for example "),
        ("FILE_URL_HOSTS", "h:70000", "ADAPTER_FILE_URL_HOSTS must be a comma list of hosts, for example "),
        ("CORS_ORIGINS", "https://h/", "ADAPTER_CORS_ORIGINS must be a comma list of origins without paths, "),
        ("CORS_ORIGINS", "*, h:80", "ADAPTER_CORS_ORIGINS must be a comma list of origins without paths, "),
        ("CORS_ORIGINS", "null", "ADAPTER_CORS_ORIGINS must be a comma list of origins without paths, "),
        ("CORS_ORIGINS", "*", "ADAPTER_CORS_ORIGINS: without keys, every web page that is opened on this machine "),
        ("UPSTREAM_HEADERS", "Host: h", "ADAPTER_UPSTREAM_HEADERS: host is a header that the adapter sets itself."),
        ("OTLP_HEADERS", "Host: h", "ADAPTER_OTLP_HEADERS: host is a header that the adapter sets itself."),
        ("CONFIG", "/nowhere.toml", "ADAPTER_CONFIG: cannot read /nowhere.toml: No such file or directory."),
    ],
)
def test_a_value_that_does_not_fit_is_refused(variable: str, text: str, line: str) -> None:
    message = refusal({f"ADAPTER_{variable}": text})
    assert message == line or (message.startswith(line) and not line.endswith("."))


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("postgres://me:pw@h/db", " Write postgresql:// in place of postgres://."),
        ("postgresql://me:p@ss:w/1@h/db", " In a name or password, write %40 for @, %3A for :, %2F for /, %23 for #."),
        ("redis://me:p#ss@h/0", " In a name or password, write %40 for @, %3A for :, %2F for /, %23 for #."),
        ("postgresql+asyncpg://me:pw@h/db", "port/number."),
    ],
)
def test_a_store_url_that_is_nearly_one_says_what_to_write(url: str, hint: str) -> None:
    assert refusal({"ADAPTER_STORE": url}).endswith(hint)


@pytest.mark.parametrize("value", ["'3'", "3.0", "true", "[3]", "{a = 3}", "1979-05-27"])
def test_toml_values_are_not_coerced(tmp_path: Path, value: str) -> None:
    message = refusal(toml(tmp_path, f"workers = {value}"))
    assert message.startswith(f"{tmp_path}/adapter.toml: workers must be a whole number from 1 to 64, not ")


def test_a_file_that_is_no_toml_is_refused_with_the_place(tmp_path: Path) -> None:
    assert "adapter.toml is not TOML: " in (message := refusal(toml(tmp_path, "workers = 3\nbind: x")))
    assert "line 2" in message


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("API_KEYS", "hunter2"),
        ("SECRET_KEY", "hunter2"),
        ("UPSTREAM_API_KEY", "hunter2 hunter2"),
        ("UPSTREAM_URL", "http://me:hunter2@h/v1"),
        ("OTLP_HEADERS", "hunter2"),
        ("OTLP_HEADERS", "Host: hunter2"),
    ],
)
def test_a_secret_that_is_refused_is_not_repeated(secret: str, text: str) -> None:
    assert "hunter2" not in refusal({f"ADAPTER_{secret}": text})


def test_what_is_no_setting_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    assert refusal({"ADAPTER_UPSTREAM": "x"}).startswith(
        "ADAPTER_UPSTREAM in the environment is not a setting. Did you mean ADAPTER_UPSTREAM_URL?"
    )
    assert "adapter.toml: worker is not a setting. Did you mean workers?" in refusal(toml(tmp_path, "worker = 3"))
    assert "adapter.toml: config is not a setting." in refusal(toml(tmp_path, "config = 'other.toml'"))
    assert refusal({}, {"wrokers": "3"}) == "There is no setting wrokers. Did you mean workers?"


def test_variables_that_kubernetes_adds_for_a_service_named_adapter_are_not_ours() -> None:
    environ = {
        "ADAPTER_SERVICE_HOST": "10.0.0.1", "ADAPTER_SERVICE_PORT": "80", "ADAPTER_SERVICE_PORT_HTTP": "80",
        "ADAPTER_PORT": "tcp://10.0.0.1:80", "ADAPTER_PORT_80_TCP_ADDR": "10.0.0.1",
    }  # fmt: skip
    assert load_settings({}, environ) == Settings()


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    environ = {**toml(tmp_path, "workers = 3"), "ADAPTER_WORKERS": " ", "ADAPTER_API_KEYS": ""}
    assert load_settings({}, environ).workers == 3


@pytest.mark.parametrize("bind", ["0.0.0.0:80", "[::]:80", "192.168.1.5:80", "example.com:80"])
def test_an_open_server_on_a_reachable_address_is_refused(bind: str) -> None:
    message = refusal({"ADAPTER_BIND": bind})
    assert message.startswith(f"ADAPTER_BIND: other machines can reach {bind}, and no keys are set.")


@pytest.mark.parametrize("bind", ["127.0.0.1:80", "127.9.9.9:80", "[::1]:80", "localhost:80"])
def test_a_loopback_address_may_be_open(bind: str) -> None:
    assert load_settings({}, {"ADAPTER_BIND": bind}).bind == bind


@pytest.mark.parametrize("guard", [{"ADAPTER_API_KEYS": "key-number-1"}, {"ADAPTER_ALLOW_OPEN": "1"}])
def test_keys_or_a_clear_word_open_a_reachable_address(guard: dict[str, str]) -> None:
    assert load_settings({}, REACHABLE | guard).bind == "0.0.0.0:8000"


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"ADAPTER_ADMIN_BIND": "0.0.0.0:9464"}, "ADAPTER_ADMIN_BIND: other machines can reach 0.0.0.0:9464, and "),
        ({"ADAPTER_ADMIN_BIND": "10.0.0.1:9464"}, "ADAPTER_ADMIN_BIND: other machines can reach 10.0.0.1:9464, and "),
        ({"ADAPTER_ADMIN_BIND": "127.0.0.1:8000"}, "ADAPTER_ADMIN_BIND: the admin address needs a port of its own"),
        ({"ADAPTER_ADMIN_BIND": "127.0.0.1:0"}, "ADAPTER_ADMIN_BIND: the admin address needs a port of its own"),
        (
            {"ADAPTER_ADMIN_BIND": "127.0.0.1:9464", "ADAPTER_ADMIN_HOSTS": "ops.example"},
            "ADAPTER_ADMIN_HOSTS: who asks for ops.example may come from another machine, through a proxy, and ",
        ),
        ({"ADAPTER_INSPECTOR": "heads"}, "ADAPTER_INSPECTOR: the inspector is at the admin address."),
    ],
)
def test_an_admin_address_that_cannot_be_used(environ: dict[str, str], problem: str) -> None:
    message = refusal(environ)
    assert message.startswith(problem)
    assert "\n" not in message


def test_with_a_key_other_machines_may_reach_the_admin_address() -> None:
    environ = {"ADAPTER_ADMIN_BIND": "0.0.0.0:9464", "ADAPTER_ADMIN_KEY": "k" * 16}
    assert load_settings({}, environ).admin_port == 9464


def test_a_store_in_memory_is_refused_for_several_workers() -> None:
    assert refusal({"ADAPTER_STORE": "memory:"}).startswith("ADAPTER_STORE: memory: is not shared between workers")
    assert load_settings({}, {"ADAPTER_STORE": "memory:", "ADAPTER_WORKERS": "1"}).store == "memory:"


@pytest.mark.parametrize("url", ["http://h/v1/", "http://h/v1/chat/completions", "http://h/v1/chat/completions/"])
def test_the_upstream_is_kept_as_its_base_url(url: str) -> None:
    assert load_settings({}, {"ADAPTER_UPSTREAM_URL": url}).upstream_url == "http://h/v1"


def test_secrets_are_masked_wherever_settings_are_shown() -> None:
    environ = {
        "ADAPTER_API_KEYS": "hunter2-one, hunter2-two", "ADAPTER_UPSTREAM_API_KEY": "hunter2",
        "ADAPTER_SECRET_KEY": "hunter2" * 5, "ADAPTER_OTLP_HEADERS": "Authorization: hunter2",
    }  # fmt: skip
    settings = load_settings({}, environ)
    assert settings.api_keys == ("hunter2-one", "hunter2-two")
    assert "hunter2" not in repr(settings)
    shown = {name: value for name, value, _ in effective(settings)}
    assert (shown["api_keys"], shown["upstream_api_key"], shown["secret_key"]) == ("****, ****", "****", "****")
    assert shown["otlp_headers"] == "****"


def test_no_secret_has_a_default() -> None:
    assert [of.name for of in DESCRIPTIONS.values() if of.secret and of.default] == []


@pytest.mark.parametrize("name", ["temperature", "input", "messages", "max_tokens", "client_metadata"])
def test_a_name_that_has_a_meaning_is_not_passed_through(name: str) -> None:
    line = refusal({"ADAPTER_PASSTHROUGH": f"stop,{name}"})
    assert line.startswith(f"ADAPTER_PASSTHROUGH: {name} cannot be passed through: ")


def test_names_to_pass_through() -> None:
    assert load_settings({}, {"ADAPTER_PASSTHROUGH": "stop, top_k"}).passthrough == ("stop", "top_k")
    assert "must be a comma list of names" in refusal({"ADAPTER_PASSTHROUGH": "a b"})


def test_several_values_in_a_file_are_an_array(tmp_path: Path) -> None:
    file = tmp_path / "adapter.toml"
    file.write_text('passthrough = "stop,seed"')
    assert "In the file it is an array" in refusal({"ADAPTER_CONFIG": str(file)})
    file.write_text('passthrough = ["stop", "seed"]')
    assert load_settings({}, {"ADAPTER_CONFIG": str(file)}).passthrough == ("stop", "seed")


def test_a_folder_of_prompts_that_is_not_there(tmp_path: Path) -> None:
    assert refusal({"ADAPTER_PROMPTS": f"{tmp_path}/p"}) == f"ADAPTER_PROMPTS: there is no folder {tmp_path}/p."


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read: No such file or directory."),
        (b"\xff", "is not text in UTF-8."),
        (b"x" * ((1 << 20) + 1), "has more than 1048576 characters."),
        (b" \n", "is empty: Codex would give the model no instructions at all."),
    ],
)
def test_instructions_for_codex_that_cannot_be_used(tmp_path: Path, content: bytes | None, problem: str) -> None:
    file = tmp_path / "prompt.md"
    if content is not None:
        file.write_bytes(content)
    assert refusal({"ADAPTER_CODEX_INSTRUCTIONS": str(file)}) == f"ADAPTER_CODEX_INSTRUCTIONS: {file} {problem}"
