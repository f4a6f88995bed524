"""`[upstreams.NAME]` and `[models]`: what they say, and the line that refuses them."""

from pathlib import Path

import pytest

from adapter.settings.effective import effective
from adapter.settings.models import Target
from adapter.settings.settings import Settings, SettingsError
from adapter.settings.sources import load_settings

GROQ = '[upstreams.groq]\nurl = "https://api.groq.com/openai/v1"\n'


def load(directory: Path, text: str, **environ: str) -> Settings:
    file = directory / "adapter.toml"
    file.write_text(text)
    return load_settings({}, {"ADAPTER_CONFIG": str(file), **environ})


def refusal(directory: Path, text: str, **environ: str) -> str:
    """Return the line that refuses a file, behind the file's name."""
    with pytest.raises(SettingsError) as refused:
        load(directory, text, **environ)
    path, _, line = str(refused.value).partition(": ")
    assert path == f"{directory}/adapter.toml"
    assert "\n" not in line
    return line


def test_an_upstream_with_nothing_but_a_url(tmp_path: Path) -> None:
    (groq,) = load(tmp_path, GROQ, ADAPTER_UPSTREAM_TIMEOUT="7").all_upstreams()
    assert (groq.name, groq.url, groq.dialect.name) == ("groq", "https://api.groq.com/openai/v1", "groq")
    assert (groq.keys, groq.callers_key, groq.headers, groq.weight) == ((), False, {}, 1)
    assert (groq.connect_timeout, groq.timeout) == (10.0, 7.0)


def test_an_upstream_with_everything(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-from-file\n")
    text = f"""
        [upstreams.groq]
        url = "https://api.groq.com/openai/v1/"
        keys = ["sk-literal", "env:GROQ_KEY", "file:{tmp_path}/key"]
        headers = {{ X-Team = "search and more", X-Token = "env:TOKEN" }}
        connect_timeout = 1
        timeout = 2.5
        weight = 3
        dialect = {{ preset = "openai", strict_tools = false, formats = ["json_object"], token_limit = "max_tokens" }}
    """
    (groq,) = load(tmp_path, text, GROQ_KEY="sk-from-environment", TOKEN="t").all_upstreams()
    assert [key.value for key in groq.keys] == ["sk-literal", "sk-from-environment", "sk-from-file"]
    assert {name: value.value for name, value in groq.headers.items()} == {"X-Team": "search and more", "X-Token": "t"}
    assert (groq.connect_timeout, groq.timeout, groq.weight) == (1.0, 2.5, 3)
    dialect = groq.dialect
    assert (dialect.name, dialect.strict_tools, dialect.formats) == ("openai", False, frozenset({"json_object"}))
    assert (dialect.token_limit, dialect.developer_role) == ("max_tokens", True)


def test_a_field_of_a_dialect_may_be_none(tmp_path: Path) -> None:
    text = GROQ + 'dialect = { preset = "vllm", reasoning_field = "none", efforts = ["none", "low"] }'
    (groq,) = load(tmp_path, text).all_upstreams()
    assert (groq.dialect.reasoning_field, groq.dialect.efforts) == (None, frozenset({"none", "low"}))


def test_upstream_url_is_an_upstream_beside_them(tmp_path: Path) -> None:
    settings = load(tmp_path, GROQ, ADAPTER_UPSTREAM_URL="http://h/v1", ADAPTER_UPSTREAM_API_KEY="k")
    assert [(one.name, len(one.keys)) for one in settings.all_upstreams()] == [("default", 1), ("groq", 0)]


def test_models(tmp_path: Path) -> None:
    text = f"""
        {GROQ}
        [upstreams.azure]
        url = "http://azure/v1"
        weight = 2
        [models]
        "gpt-*" = ["azure", {{ upstream = "groq", model = "openai/gpt-*", weight = 0 }}]
        "gpt-4.1" = "azure"
        fast = {{ upstream = "groq", model = "llama-3.3-70b" }}
        any = {{ model = "qwen3", context_window = 32768 }}
    """
    assert load(tmp_path, text).models == {
        "gpt-*": (Target("azure", "gpt-*", 2), Target("groq", "openai/gpt-*", 0)),
        "gpt-4.1": (Target("azure", "gpt-4.1", 2),),
        "fast": (Target("groq", "llama-3.3-70b", 1),),
        "any": (Target("groq", "qwen3", 1, 32768), Target("azure", "qwen3", 2, 32768)),
    }


def test_another_name_for_a_model_of_the_only_upstream(tmp_path: Path) -> None:
    text = '[models]\nfast = { model = "qwen3:8b" }'
    for environ in ({}, {"ADAPTER_UPSTREAM_URL": "http://h/v1"}):
        assert load(tmp_path, text, **environ).models == {"fast": (Target("default", "qwen3:8b", 1),)}


BAD_UPSTREAMS = [
    ("upstreams = 3", "upstreams must hold tables, [upstreams.NAME], each with a url."),
    ('[upstreams]\ngroq = "http://h/v1"', "upstreams must hold tables, [upstreams.NAME], each with a url."),
    ("[upstreams.groq]", "upstreams.groq needs a url: the provider's base URL, for example "),
    (GROQ + 'dialct = "groq"', "upstreams.groq.dialct is not a setting of an upstream. Did you mean dialect?"),
    (GROQ + "[upstreams.groq.x]", "upstreams.groq.x is not a setting of an upstream."),
    ('[upstreams.groq]\nurl = "groq.com/v1"', "upstreams.groq.url must be the provider's base URL, for example "),
    (GROQ + 'timeout = "1s"', "upstreams.groq.timeout must be a number of seconds from 1 to 3600, not '1s'."),
    (GROQ + "weight = -1", "upstreams.groq.weight must be a whole number from 0 to 1000, not -1."),
    (GROQ + "weight = true", "upstreams.groq.weight must be a whole number from 0 to 1000, not True."),
    (GROQ + 'key = "env:NONE"', "upstreams.groq.key: the environment has no variable NONE, or it is empty."),
    (GROQ + 'keys = ["a", "env:"]', "upstreams.groq.keys[1]: the environment has no variable (without a name), "),
    (GROQ + 'key = "file:/nowhere"', "upstreams.groq.key: cannot read /nowhere: No such file or directory."),
    (GROQ + 'key = "file:/"', "upstreams.groq.key: cannot read /: Is a directory."),
    (GROQ + 'keys = "a"', "upstreams.groq.keys must be an array of keys, "),
    (GROQ + 'keys = ["a", 3]', "upstreams.groq.keys must be an array of keys, "),
    (GROQ + 'key = "a"\nkeys = ["b"]', "upstreams.groq: key and keys are one setting, "),
    (GROQ + 'key = "a"\ncallers_key = true', "upstreams.groq: keys and callers_key cannot both be sent; "),
    (GROQ + 'key = "a"\nheaders = { authorization = "b" }', "upstreams.groq: keys and authorization cannot both be "),
    (GROQ + 'headers = ["a"]', "upstreams.groq.headers must be a table, for example "),
    (GROQ + 'headers = { "a b" = "c" }', 'upstreams.groq.headers."a b" is not the name of a header.'),
    (GROQ + 'headers = { host = "c" }', "upstreams.groq.headers.host is a header that the adapter sets itself."),
    (GROQ + "headers = { x = 3 }", "upstreams.groq.headers.x must be text."),
    (GROQ + 'headers = { x = "a\\r\\nb: c" }', "upstreams.groq.headers.x is empty, or has characters that no header "),
    (GROQ + 'dialect = "grok"', "upstreams.groq.dialect must be one of auto, default, openai, "),
    (GROQ + "dialect = 3", "upstreams.groq.dialect must be one of auto, default, openai, "),
    (GROQ + 'dialect = { preset = "grok" }', "upstreams.groq.dialect.preset must be one of auto, default, openai, "),
    (GROQ + "dialect = { strict_tols = true }", "upstreams.groq.dialect.strict_tols is not a field of a dialect. Did"),
    (GROQ + 'dialect = { name = "x" }', "upstreams.groq.dialect.name is not a field of a dialect."),
    (GROQ + "dialect = { strict_tools = 1 }", "upstreams.groq.dialect.strict_tools must be true or false, not 1."),
    (GROQ + 'dialect = { strict_tools = "none" }', "upstreams.groq.dialect.strict_tools must be true or false, "),
    (GROQ + 'dialect = { tokenizer = "x" }', "upstreams.groq.dialect.tokenizer must be one of vllm, "),
    (GROQ + 'dialect = { formats = ["x"] }', "upstreams.groq.dialect.formats must be an array of one of json_schema, "),
    (GROQ + 'dialect = { extras = "x" }', "upstreams.groq.dialect.extras must be an array of texts, not 'x'."),
    (GROQ + "dialect = { no_reasoning = [] }", "upstreams.groq.dialect.no_reasoning must be a table, not []."),
    ('[upstreams.default]\nurl = "http://h/v1"', "upstreams.default: this name stands for "),
    ('[upstreams."a\\nb"]\nurl = "http://h/v1"', 'upstreams."a\\nb": a name has up to 64 letters, digits, - and _.'),
    (GROQ + 'key = "file:/a\\nb"', "upstreams.groq.key must be a key without spaces, env:NAME or file:/path."),
    (GROQ + 'keys = ["file:/a\\nb"]', "upstreams.groq.keys[0]: cannot read '/a\\nb': No such file or directory."),
    ('[upstreams."a b"]\nurl = "http://h/v1"', 'upstreams."a b": a name has up to 64 letters, digits, - and _.'),
]

BAD_MODELS = [
    ("models = 3", "models must be a table: "),
    ('[models]\nm = "grok"', 'models.m: there is no upstream grok. Did you mean groq?'),
    ('[models]\nm = "qwen3:8b"', 'models.m: there is no upstream qwen3:8b. Another name for a model '),
    ('[models]\nm = "default"', "models.m: there is no upstream default."),
    ("[models]\nm = 3", "models.m must be an upstream's name, or a table of upstream, model, weight and context_w"),
    ("[models]\nm = []", "models.m must name an upstream."),
    ('[models]\nm = ["groq", 3]', "models.m[1] must be an upstream's name, or a table of upstream, model, weight and"),
    ('[models]\nm = ["groq", "groq"]', "models.m names the same model of an upstream twice."),
    ('[models]\nm = { modl = "x" }', "models.m.modl is not upstream, model, weight or context_window. Did you "),
    ('[models]\ngpt-4.1 = "groq"', "models.gpt-4.1 is not upstream, model, weight or context_window. A name with a "),
    ('[models]\nm = { model = "a b" }', "models.m.model must be a model's name, "),
    ('[models]\nm = { model = "" }', "models.m.model is empty."),
    ('[models]\nm = { model = "x-*" }', "models.m.model has a *, and the name before it has none."),
    ('[models]\nm = { weight = 1.5 }', "models.m.weight must be a whole number from 0 to 1000, not 1.5."),
    ('[models]\n"" = "groq"', 'models."": a pattern has no spaces, and at most one *, which stands for anything.'),
    ('[models]\n"a*b*" = "groq"', 'models."a*b*": a pattern has no spaces, and at most one *, which '),
    ('[models]\n"a b" = "groq"', 'models."a b": a pattern has no spaces, '),
    ('[models]\n"*" = "groq"\n"gpt-*" = "groq"', 'models."gpt-*" never counts, since models."*" above it '),
    ('[models]\n"g*" = "groq"\n"gpt-*i" = "groq"', 'models."gpt-*i" never counts, since models."g*" above it '),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line"), BAD_UPSTREAMS)
def test_an_upstream_that_is_none_is_refused_with_its_place(text: str, line: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, text).startswith(line)


@pytest.mark.parametrize(("text", "line"), BAD_MODELS)
def test_a_model_that_is_none_is_refused_with_its_place(text: str, line: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, f"{text}\n{GROQ}").startswith(line)


def test_the_adapter_s_own_keys_go_to_no_provider(tmp_path: Path) -> None:
    line = refusal(tmp_path, GROQ + "callers_key = true", ADAPTER_API_KEYS="key-number-1")
    assert line.startswith("upstreams.groq.callers_key: what callers present are keys of this server")
    assert load(tmp_path, GROQ + "callers_key = true").upstreams[0].callers_key


@pytest.mark.parametrize(
    "text",
    [
        'key = "hunter2 hunter2"', 'keys = ["hunter2 hunter2"]', 'headers = { x = "\\thunter2" }', 'key = "env:SECRET"',
        'url = "http://me:hunter2@h/v1"',
    ],
)  # fmt: skip
def test_a_secret_that_is_refused_is_not_repeated(text: str, tmp_path: Path) -> None:
    table = f"[upstreams.x]\n{text}" if text.startswith("url") else GROQ + text
    assert "hunter2" not in refusal(tmp_path, table, SECRET="hunter2 hunter2")


def test_what_is_in_force_is_shown_with_its_source_and_without_secrets(tmp_path: Path) -> None:
    text = f"""
        {GROQ}
        keys = ["hunter2", "env:KEY"]
        headers = {{ X-Token = "hunter2" }}
        dialect = {{ unknown_keywords = ["format"] }}
        [models]
        "gpt-*" = {{ model = "x-*" }}
    """
    settings = load(tmp_path, text, KEY="hunter2", ADAPTER_CONNECT_TIMEOUT="3")
    assert "hunter2" not in repr(settings)
    rows = {name: (value, source) for name, value, source in effective(settings) if "." in name}
    file = f"{tmp_path}/adapter.toml"
    assert rows == {
        "upstreams.groq.url": ("https://api.groq.com/openai/v1", f"{file}: upstreams.groq"),
        "upstreams.groq.keys": ("****, env:KEY", f"{file}: upstreams.groq"),
        "upstreams.groq.headers": ("X-Token: ****", f"{file}: upstreams.groq"),
        "upstreams.groq.query": ("", "default"),
        "upstreams.groq.ca": ("", "default"),
        "upstreams.groq.certificate": ("", "default"),
        "upstreams.groq.connect_timeout": ("3", "ADAPTER_CONNECT_TIMEOUT"),
        "upstreams.groq.timeout": ("300", "default"),
        "upstreams.groq.dialect": ("groq, but for unknown_keywords", f"{file}: upstreams.groq"),
        "upstreams.groq.weight": ("1", "default"),
        'models."gpt-*"': ("x-* at groq", f"{file}: models"),
    }
