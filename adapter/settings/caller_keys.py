"""`[keys.NAME]` of the TOML file: the keys that callers present, with what each may do.

The file has the SHA-256 of a key, so that who reads it cannot use the key; several, while a key is replaced by another.
What a caller stores belongs to its tenant, not to the key, so a new key goes on with the old one's responses.
"""

import datetime
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from marshmallow import Schema, fields

from adapter.settings.kinds import Switch, Text, Whole
from adapter.settings.models import match_pattern
from adapter.settings.secret_values import KEY, read_secret
from adapter.settings.tables import TableError, check_table, quote_key
from translators.errors import shorten

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,63}")
"""Shorter than a digest, which is the tenant of a key without a name."""
_HASH: Final = re.compile(r"sha256:([0-9a-f]{64})")
_TENANT: Final = re.compile(rf"{_NAME.pattern}|{_HASH.pattern}")
_MAX_HASHES: Final = 8


LIMITS: Final = ("requests_per_minute", "tokens_per_minute", "concurrent", "tokens_per_day", "tokens_per_month")


@dataclass(frozen=True, kw_only=True, slots=True)
class CallerKey:
    """One named key."""

    name: str
    digests: frozenset[str] = field(repr=False)
    """SHA-256 of each key that is accepted, in hexadecimal."""
    tenant: str
    models: tuple[str, ...] = ()
    """Names or patterns of the models that it may ask for; none: all."""
    expires: datetime.date | None = None
    """The last day, in UTC, on which it is accepted."""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: int | None = None
    """Responses at a time."""
    tokens_per_day: int | None = None
    tokens_per_month: int | None = None
    """Budgets, of days and months in UTC."""
    inspect: str | None = None
    """"never": the inspector records no contents of its requests."""
    admin: bool = False
    """Whether it may use the admin address, too."""
    file: str | None = None
    """Where its key is read from."""

    def may_use(self, model: str) -> bool:
        for pattern in self.models:
            if match_pattern(pattern, model) is not None:
                return True
        return not self.models

    def describe(self) -> dict[str, str]:
        """Return its settings as text, without secrets."""
        limits = {name: getattr(self, name) for name in LIMITS}
        return {
            "tenant": self.tenant,
            "hashes": ", ".join(["****"] * len(self.digests)),
            "models": ", ".join(self.models),
            "expires": "" if self.expires is None else self.expires.isoformat(),
            "admin": "true" if self.admin else "",
            **{name: "" if limit is None else str(limit) for name, limit in limits.items()},
            "inspect": self.inspect or "",
        }


class _KeyTable(Schema):
    hash = Text("the SHA-256 of a key, sha256: and 64 hexadecimal digits", _HASH.pattern)
    hashes = fields.Raw()
    key = Text("env:NAME or file:/path, where the key itself is", r"(env|file):.+")
    tenant = Text("a name, or the sha256: of a key that had no name", _TENANT.pattern)
    models = fields.Raw()
    expires = fields.Raw()
    admin = Switch()
    requests_per_minute = Whole(1, 1_000_000)
    tokens_per_minute = Whole(1, 1_000_000_000)
    concurrent = Whole(1, 100_000)
    tokens_per_day = Whole(1, 1_000_000_000_000)
    tokens_per_month = Whole(1, 1_000_000_000_000)
    inspect = Text('"never"', "never")


KEY_TABLE: Final = _KeyTable()


def read_caller_keys(table: object, environ: Mapping[str, str]) -> tuple[CallerKey, ...]:
    """Return the keys of `[keys]`; raise TableError."""
    if not isinstance(table, dict) or not all(isinstance(value, dict) for value in table.values()):
        raise TableError("keys must hold tables, [keys.NAME], each with a hash.")
    keys: list[CallerKey] = []
    owner: dict[str, str] = {}
    for name, values in table.items():
        where = f"keys.{quote_key(name)}"
        if not _NAME.fullmatch(name):
            raise TableError(f"keys.{quote_key(shorten(name))}: a name has up to 63 letters, digits, dots, - and _.")
        read = check_table(KEY_TABLE, values, where, "a setting of a key", secret=("hash", "key"))
        digests = _read_digests(read, where, environ)
        for digest in digests:
            if digest in owner:
                raise TableError(f"{where} is the same key as keys.{quote_key(owner[digest])}.")
            owner[digest] = name
        keys.append(
            CallerKey(
                name=name,
                digests=digests,
                tenant=str(read.get("tenant", name)).removeprefix("sha256:"),
                models=_read_models(read.get("models", []), f"{where}.models"),
                expires=_read_expiry(read.get("expires"), f"{where}.expires"),
                **{limit: read.get(limit) for limit in LIMITS},
                inspect=read.get("inspect"),
                admin=read.get("admin", False),
                file=read["key"].removeprefix("file:") if read.get("key", "").startswith("file:") else None,
            )
        )
    return tuple(keys)


def digest_of(key: str) -> str:
    """Return the SHA-256 of a key, in hexadecimal."""
    return hashlib.sha256(key.encode()).hexdigest()


def _read_digests(read: Mapping[str, Any], where: str, environ: Mapping[str, str]) -> frozenset[str]:
    given = [name for name in ("hash", "hashes", "key") if name in read]
    if len(given) != 1:
        raise TableError(f"{where} needs one of hash, hashes and key. `responses-adapter keys create` makes a key.")
    if given == ["key"]:
        return frozenset({digest_of(read_secret(read["key"], f"{where}.key", KEY, environ).value)})
    hashes = [read["hash"]] if given == ["hash"] else read["hashes"]
    if not isinstance(hashes, list) or not 1 <= len(hashes) <= _MAX_HASHES:
        raise TableError(f"{where}.hashes must be an array of 1 to {_MAX_HASHES} hashes.")
    found = [_HASH.fullmatch(one) if isinstance(one, str) else None for one in hashes]
    if None in found:
        raise TableError(f"{where}.hashes must be hashes of keys, sha256: and 64 hexadecimal digits each.")
    return frozenset(one[1] for one in found if one is not None)


def _read_models(models: object, where: str) -> tuple[str, ...]:
    if not isinstance(models, list) or not all(isinstance(one, str) and one.count("*") <= 1 for one in models):
        raise TableError(f"{where} must be an array of models' names, each with at most one *, which matches any text.")
    return tuple(models)


def _read_expiry(value: object, where: str) -> datetime.date | None:
    if isinstance(value, datetime.datetime) or not isinstance(value, datetime.date | None):
        raise TableError(f"{where} must be a date without quotes, for example 2027-06-30.")
    return value
