"""The mistakes that people make in settings, and the line that says what to write."""

from pathlib import Path

import pytest

from adapter.settings.settings import DESCRIPTIONS
from adapter.settings.sources import load_settings
from tests.adapter.settings.test_settings import refusal, toml


@pytest.mark.parametrize(("url", "sentence"), [
    ("localhost:11434/v1", "Write http:// or https:// before it."),
    ("api.example.com", "Write http:// or https:// before it."),
    ("https//api.example.com/v1", "After http come a colon and two slashes."),
    ("http:/localhost/v1", "After http come a colon and two slashes."),
    ("ws://localhost/v1", "It has to begin with http:// or https://."),
    ("http://localhost /v1", "There is a space in it."),
    ("http://::1:8000/v1", "An IPv6 address is written in brackets, for example http://[::1]:8000/v1."),
    ("http://a/v1,http://b/v1", "It is one URL; several providers are tables of the file, [upstreams.NAME]."),
    ("http://a..b/v1", "The name of its host is not valid."),
    (f"http://{'a' * 64}.test/v1", "The name of its host is not valid."),
    ("http://${HOST}/v1", "The name of its host is not valid."),
    ("http://-a.test/v1", "The name of its host is not valid."),
])  # fmt: skip
def test_a_base_url_that_is_none_says_why(url: str, sentence: str) -> None:
    line = refusal({"ADAPTER_UPSTREAM_URL": url})
    assert line.startswith("ADAPTER_UPSTREAM_URL must be the provider's base URL")
    assert line.endswith(f"not '{url}'. {sentence}")


@pytest.mark.parametrize("url", [
    "http://my_container:8000/v1", "http://[::1]:8000/v1", "http://[fe80::1%25eth0]/v1", "https://exämple.test/v1",
    "HTTPS://API.example.com./v1", "http://10.0.0.1/v1?url=http://b/", "http://a--b.test/v1",
])  # fmt: skip
def test_an_unusual_base_url_is_one(url: str) -> None:
    assert load_settings({}, {"ADAPTER_UPSTREAM_URL": url}).upstream_url == url


@pytest.mark.parametrize(("variable", "meant"), [
    ("ADAPTER_URL", "ADAPTER_UPSTREAM_URL"), ("ADAPTER_BASE_URL", "ADAPTER_UPSTREAM_URL"),
    ("ADAPTER_HOST", "ADAPTER_BIND"), ("ADAPTER_PORT", "ADAPTER_BIND"), ("ADAPTER_KEY", "ADAPTER_API_KEYS"),
    ("ADAPTER_TIMEOUT", "ADAPTER_UPSTREAM_TIMEOUT"), ("ADAPTER_DEBUG", "ADAPTER_LOG_LEVEL"),
    ("ADAPTER_DATABASE_URL", "ADAPTER_STORE"), ("ADAPTER_WROKERS", "ADAPTER_WORKERS"),
])  # fmt: skip
def test_a_variable_suggests_what_it_means(variable: str, meant: str) -> None:
    assert refusal({variable: "8080"}).startswith(
        f"{variable} in the environment is not a setting. Did you mean {meant}?"
    )


@pytest.mark.parametrize("variable", ["ADAPTER_MODEL", "ADAPTER_", "ADAPTER_QUUX"])
def test_a_variable_like_no_setting_suggests_none(variable: str) -> None:
    assert "Did you mean" not in refusal({variable: "x"})


def test_every_word_of_other_programs_means_a_setting() -> None:
    from adapter.settings.near_names import _WORDS_ELSEWHERE

    assert {*_WORDS_ELSEWHERE.values()} <= DESCRIPTIONS.keys()
    assert not _WORDS_ELSEWHERE.keys() & DESCRIPTIONS.keys()


@pytest.mark.parametrize(("line", "sentence"), [
    ("ADAPTER_WORKERS = 3", "ADAPTER_WORKERS is not a setting. Did you mean workers?"),
    ("Log-Level = 'info'", "Log-Level is not a setting. Did you mean log_level?"),
    ("workers = true", "workers must be a whole number from 1 to 64, not true."),
    ('log_format = ["json"]', "log_format must be one of auto, json, console, not ['json']."),
    ('log_format = "JSN"', "log_format must be one of auto, json, console, not 'JSN'. Did you mean json?"),
    ('upstream_headers = { X-A = "1" }', "In the file it is an array, each value in quotes of its own."),
    ('upstream_headers = ["X-A: 1", "x-a: 2"]', "a header is there twice."),
    ('store = "adapter.db"', "not 'adapter.db'. A file is written sqlite:///adapter.db."),
    ('upstream_api_key = "env:KEY"', "env: and file: have a meaning in tables of the file alone"),
    ('[upstreams.a]\nurl = "http://a/v1"\ndialect = { token_limit = "max_token" }',
     "not 'max_token'. Did you mean max_tokens?"),
    ('[upstreams.a]\nurl = "http://a/v1"\ndialect = { streaming = "alway" }', "Did you mean always?"),
])  # fmt: skip
def test_a_line_of_the_file_says_what_to_write(tmp_path: Path, line: str, sentence: str) -> None:
    assert sentence in refusal(toml(tmp_path, line))


@pytest.mark.parametrize("value", ['"sk-12345678"', "'sk-12345678'"])
@pytest.mark.parametrize("variable", ["ADAPTER_API_KEYS", "ADAPTER_UPSTREAM_API_KEY"])
def test_quotes_that_were_kept_are_no_part_of_a_key(variable: str, value: str) -> None:
    assert refusal({variable: value}) == (
        f"{variable}: leave out the quotes around the value; whatever set it has kept them."
    )


def test_a_key_is_given_without_its_scheme() -> None:
    line = refusal({"ADAPTER_UPSTREAM_API_KEY": "Bearer sk-hunter2"})
    assert line.endswith("Leave out the word Bearer, which is sent before it.")
    assert "hunter2" not in line


@pytest.mark.parametrize("written", [
    b"\xef\xbb\xbfworkers = 3\n", b"workers = 3\r\nlog_level = 'debug'\r\n", b"\xef\xbb\xbfworkers = 3\r\n",
])  # fmt: skip
def test_a_file_is_read_as_editors_of_windows_write_it(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "adapter.toml").write_bytes(written)
    assert load_settings({}, {"ADAPTER_CONFIG": f"{tmp_path}/adapter.toml"}).workers == 3


@pytest.mark.parametrize("written", ["workers = 3".encode("utf-16"), "# Größe".encode("latin-1")])
def test_a_file_in_another_coding_is_one_line(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "adapter.toml").write_bytes(written)
    line = refusal({"ADAPTER_CONFIG": f"{tmp_path}/adapter.toml"})
    assert line == f"ADAPTER_CONFIG: {tmp_path}/adapter.toml is not UTF-8, as TOML is. Save it as UTF-8."
