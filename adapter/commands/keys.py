"""The keys of callers, as the command line makes and shows them."""

import json
import tomllib
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from adapter.settings.caller_keys import CallerKey, digest_of, read_caller_keys
from adapter.settings.kinds import Age
from adapter.settings.settings import Settings
from adapter.settings.tables import quote_key
from adapter.store.keys.stored_keys import KeyExists, StoredKey, add_key
from adapter.store.protocols import ValueStore


def table_of(name: str, key: str, **given: Any) -> str:
    """Return the table for the configuration file that makes a server accept a key; `given` as for the command.

    Raises TableError for what a server would refuse.
    """
    lines = [f"[keys.{quote_key(name)}]", f'hash = "sha256:{digest_of(key)}"']
    lines += [f"{setting} = {_as_toml(value)}" for setting, value in _settings_of(**given).items()]
    table = "\n".join(lines)
    read_caller_keys(tomllib.loads(table)["keys"], {})
    return table


def how_to_add(settings: Settings, name: str, key: str, table: str) -> str:
    """Return what to do with the table of a new key, as lines for the configuration file.

    All words are comments, so that the lines may be appended to the file as they are.
    """
    there = [one for one in settings.keys if one.name == name and one.file is None]
    if not there:
        return f"\n# The key is shown this once. To the configuration file belongs:\n{table}"
    hashes = json.dumps([f"sha256:{digest}" for digest in (*sorted(there[0].digests), digest_of(key))])
    return (
        f"\n# The key is shown this once. The configuration file has a key {name}. To accept both, until every caller\n"
        f"# has the new one, write in its table, in place of what is there:\n# hashes = {hashes}"
    )


def add_stored_key(store: ValueStore, settings: Settings, name: str, **given: Any) -> str:
    """Put a new key into the store; return its text. Raises KeyExists, TableError, StoreDown."""
    if any(key.name == name for key in settings.keys):
        raise KeyExists(name)
    values = _settings_of(**given)
    texts = {setting: value.isoformat() if isinstance(value, date) else value for setting, value in values.items()}
    return add_key(store, name, texts)


def _settings_of(days: int | None = None, **given: Any) -> dict[str, Any]:
    """Return the settings of a new key that were given; `days`: until it expires."""
    values = {name: value for name, value in given.items() if value not in (None, ())}
    if "models" in values:
        values["models"] = list(values["models"])
    if days is not None:
        values["expires"] = (datetime.now(UTC) + timedelta(days=days)).date()
    return values


def _as_toml(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)


def seconds_of(age: str) -> int:
    """Return the seconds in a time like 12h or 7d; raise ValueError."""
    kind = Age()
    try:
        return 0 if age == "0" else kind.check(kind.from_text(age))
    except ValueError:
        raise ValueError(f"--overlap must be 0, or {kind.expects}.") from None


def report(settings: Settings, stored: Iterable[StoredKey] = ()) -> list[str]:
    """Return a line for each key of the configuration, and of the store."""
    lines = [_describe(key) for key in settings.keys]
    lines += [f"{_describe(key)}, in the store" for one in stored if (key := one.caller_key()) is not None]
    if settings.api_keys:
        lines.append(f"{len(settings.api_keys)} without a name, of ADAPTER_API_KEYS")
    if lines:
        return lines
    others = "" if settings.stored_keys else " Keys in the store count only with ADAPTER_STORED_KEYS=1."
    others += "" if settings.config else " Those of a configuration file are shown with its --config."
    return [f"There are no keys: anyone who reaches a server with these settings may use it.{others}"]


def _describe(key: CallerKey) -> str:
    described = key.describe()
    shown = [f"{name} {value}" for name, value in described.items() if value and name not in ("tenant", "hashes")]
    if key.tenant != key.name:
        shown.insert(0, f"tenant {key.tenant}")
    if len(key.digests) > 1:
        shown.append(f"{len(key.digests)} hashes")
    return f"{key.name}: {', '.join(shown) or 'no limits'}"
