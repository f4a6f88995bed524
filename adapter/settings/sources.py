"""Where settings come from: a flag, else an environment variable, else the TOML file, else the default.

Nothing is guessed: an unknown TOML key or ADAPTER_ variable is refused, because a misspelt limit that is silently
ignored is no limit. An empty environment variable counts as unset. Secrets have no flag, since other users of a machine
can read a command line.
"""

import dataclasses
import functools
import os
import re
import tomllib
from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from marshmallow import Schema, ValidationError

from adapter.settings.caller_keys import CallerKey, read_caller_keys
from adapter.settings.checks import check_settings
from adapter.settings.description import PREFIX
from adapter.settings.kinds import Kind, Several, reason_in, suggest
from adapter.settings.models import read_models
from adapter.settings.settings import DESCRIPTIONS, Settings, SettingsError
from adapter.settings.tables import TableError
from adapter.settings.tools.settings import read_tools
from adapter.settings.upstreams import DEFAULT, read_upstreams

TABLES: Final[tuple[str, ...]] = ("keys", "upstreams", "models", "tools")
"""Settings that only the file can have."""

_HOW_TO_LIST: Final = "`responses-adapter serve --help` lists all."

_QUOTED: Final = re.compile(r"""(['"]).+\1""")
_FROM_KUBERNETES: Final = re.compile(r"ADAPTER_(SERVICE_(HOST|PORT)|PORT)(_.*)?")
"""Variables that Kubernetes gives every pod when a service is called "adapter". Source: Kubernetes docs, Services."""


@dataclass(frozen=True, slots=True)
class _Given:
    """A value as it was given, and the name of its source in error messages."""

    value: object
    source: str


def load_settings(
    cli: Mapping[str, object] | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Return the checked settings; raise SettingsError for the first that cannot be used.

    `cli` holds flags by setting name: None is a flag that was not given; text is read like an environment variable.
    """
    outer = _from_environment(environ) | _from_flags(cli or {})
    given = outer
    if "config" in outer:
        path = _checked({"config": outer["config"]})["config"]
        given = _from_file(path, outer["config"].source) | outer
    tables = {name: given[name] for name in TABLES if name in given}
    given = {name: one for name, one in given.items() if name not in TABLES}
    settings = Settings(**_checked(given), sources={name: one.source for name, one in given.items()})
    settings = _with_tables(settings, tables, environ)
    check_settings(settings)
    return settings


def _from_flags(cli: Mapping[str, object]) -> dict[str, _Given]:
    given = {name: value for name, value in cli.items() if value is not None}
    for name in given:
        if name not in DESCRIPTIONS:
            raise SettingsError(f"There is no setting {name}.{suggest(name, DESCRIPTIONS)}")
    return {name: _Given(_read(name, value), DESCRIPTIONS[name].flag) for name, value in given.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, _Given]:
    names = {of.variable: name for name, of in DESCRIPTIONS.items()}
    given = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or _is_from_kubernetes(variable, text):
            continue
        if variable not in names:
            near = _suggest(variable, DESCRIPTIONS, lambda name: DESCRIPTIONS[name].variable)
            raise SettingsError(f"{variable} in the environment is not a setting.{near} {_HOW_TO_LIST}")
        if _QUOTED.fullmatch(text.strip()):
            raise SettingsError(f"{variable}: leave out the quotes around the value; whatever set it has kept them.")
        if text.strip():
            name = names[variable]
            given[name] = _Given(_read(name, text.strip()), variable)
    return given


def _from_file(path: str, source: str) -> dict[str, _Given]:
    try:
        with open(path, "rb") as file:
            text = file.read().removeprefix(BOM_UTF8).decode()
        values = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(f"{source}: cannot read {path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        place = path if source == path else f"{source}: {path}"
        if isinstance(error, UnicodeDecodeError):
            raise SettingsError(f"{place} is not UTF-8, as TOML is. Save it as UTF-8.") from None
        raise SettingsError(f"{place} is not TOML: {error}.") from None
    names = [*(name for name in DESCRIPTIONS if name != "config"), *TABLES]
    for key in values:
        if key not in names:
            raise SettingsError(f"{path}: {key} is not a setting.{_suggest(key, names)} {_HOW_TO_LIST}")
    return {key: _Given(value, f"{path}: {key}") for key, value in values.items()}


def _with_tables(settings: Settings, tables: Mapping[str, _Given], environ: Mapping[str, str]) -> Settings:
    """Return the settings with the tables of the file; raise SettingsError."""
    try:
        upstreams = read_upstreams(
            tables["upstreams"].value if "upstreams" in tables else {},
            environ,
            connect_timeout=settings.connect_timeout,
            timeout=settings.upstream_timeout,
        )
        keys = read_caller_keys(tables["keys"].value if "keys" in tables else {}, environ)
        if (settings.requires_keys or keys) and (passing := [one.name for one in upstreams if one.callers_key]):
            raise TableError(
                f"upstreams.{passing[0]}.callers_key: what callers present are keys of this server, which go nowhere."
            )
        weights = {one.name: one.weight for one in upstreams}
        if settings.upstream_url is not None or not upstreams:
            weights = {DEFAULT: 1, **weights}
        models = read_models(tables["models"].value if "models" in tables else {}, weights)
        tools = read_tools(tables["tools"].value if "tools" in tables else {}, environ, weights)
    except TableError as error:
        raise SettingsError(f"{settings.config}: {error}") from None
    return dataclasses.replace(settings, keys=keys, upstreams=upstreams, models=models, tools=tools)


def load_caller_keys(path: str, environ: Mapping[str, str] = os.environ) -> tuple[CallerKey, ...]:
    """Return the keys of a configuration file; raise SettingsError."""
    table = _from_file(path, path).get("keys")
    try:
        return read_caller_keys({} if table is None else table.value, environ)
    except TableError as error:
        raise SettingsError(f"{path}: {error}") from None


@functools.cache
def _schema() -> Schema:
    return Schema.from_dict({name: of.kind for name, of in DESCRIPTIONS.items()})()


def _read(name: str, value: object) -> object:
    return DESCRIPTIONS[name].kind.from_text(value) if isinstance(value, str) else value


def _suggest(name: str, known: Collection[str], written: Callable[[str], str] = str) -> str:
    from adapter.settings.near_names import suggest_setting  # no server needs it

    return suggest_setting(name, known, written)


def _is_from_kubernetes(variable: str, text: str) -> bool:
    if variable == "ADAPTER_PORT":
        return "://" in text  # a person would write a number
    return _FROM_KUBERNETES.fullmatch(variable) is not None


def _shown(value: object, kind: Kind) -> str:
    """Return a value as its source has it."""
    if isinstance(value, list) and isinstance(kind, Several):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _checked(given: Mapping[str, _Given]) -> dict[str, Any]:
    try:
        values: dict[str, Any] = _schema().load({name: one.value for name, one in given.items()})
    except ValidationError as error:
        name = next(name for name in DESCRIPTIONS if name in error.messages_dict)
        of = DESCRIPTIONS[name]
        value = given[name].value
        found = f", not {_shown(value, of.kind)}"
        if of.secret or "@" in found or "?" in found:  # a URL may hold a password
            found = ""
        reason = reason_in(error.messages_dict[name])
        raise SettingsError(f"{given[name].source} must be {of.kind.expects}{found}.{reason}") from None
    return values
