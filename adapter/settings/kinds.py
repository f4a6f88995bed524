"""The kinds of value that a setting can have, as strict marshmallow fields.

A kind knows which values it accepts, how to read one from text (a flag, an environment variable), and how to describe
them in an error message and in the documentation (`expects`). Values are never coerced: "5" in a TOML file is not a
number, 1 is not a boolean, NaN is not a duration. Text that cannot be read stays text, and is rejected by the check
that every value goes through.
"""

import difflib
import ipaddress
import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields, validate

from adapter.settings.base_urls import find_fault
from adapter.settings.store_url import parse_store_url, without_password

_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:\[\]/]+):[0-9]{1,5}")


_MAX_SUGGESTED_FOR: Final = 200
"""Characters: comparing takes time in proportion to them, and no known name is as long."""

UNIX: Final = "unix:"
"""What the path of a Unix socket begins with, where an address is expected."""


class Unusable(ValueError):
    """A value cannot be used for a reason that `expects` does not say: a sentence for the error message."""


class Kind(fields.Field[Any]):
    """Base of all kinds. `check` returns a value in its final form, or raises ValueError."""

    expects = "text"
    metavar = "TEXT"
    """Placeholder for the value in the help of a flag."""

    def from_text(self, text: str) -> object:
        return text

    def check(self, value: object) -> object:
        raise NotImplementedError

    def format(self, value: object) -> str:
        return f"{value:g}" if isinstance(value, float) else str(value)

    def _deserialize(self, value: object, attr: str | None, data: Any, **kwargs: Any) -> object:
        try:
            return self.check(value)
        except Unusable as error:
            raise ValidationError({"reason": [str(error)]}) from None
        except ValueError as error:
            raise ValidationError(str(error)) from None


class Switch(Kind):
    expects = "true or false"
    metavar = "true|false"

    def from_text(self, text: str) -> object:
        if text.lower() in ("1", "true", "yes", "on"):
            return True
        return False if text.lower() in ("0", "false", "no", "off") else text

    def check(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise ValueError
        return value


class Whole(Kind):
    metavar = "N"

    def __init__(self, low: int, high: int) -> None:
        super().__init__(validate=validate.Range(low, high))
        self.expects = f"a whole number from {low} to {high}"

    def from_text(self, text: str) -> object:
        return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else text

    def check(self, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError
        return value


class Number(Kind):
    metavar = "NUMBER"

    def __init__(self, low: float, high: float, unit: str = "") -> None:
        super().__init__(validate=validate.Range(low, high))
        self.expects = f"a number{unit} from {low:g} to {high:g}"

    def from_text(self, text: str) -> object:
        return float(text) if re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", text) else text

    def check(self, value: object) -> float:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise ValueError
        return float(value)


class Seconds(Number):
    metavar = "SECONDS"

    def __init__(self, low: float, high: float) -> None:
        super().__init__(low, high, " of seconds")


class Age(Kind):
    """A time in seconds, or in seconds, minutes, hours or days with their letter."""

    metavar = "AGE"
    expects = "at least 60 seconds: their number, or a number with s, m, h or d, for example 12h or 30d"

    def from_text(self, text: str) -> object:
        return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else text

    def check(self, value: object) -> int:
        if isinstance(value, str) and (found := re.fullmatch(r"([0-9]{1,8})([smhd])", value)):
            value = int(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]
        if not isinstance(value, int) or isinstance(value, bool) or value < 60:
            raise ValueError
        return value


class Text(Kind):
    """Printable text that matches a pattern."""

    def __init__(
        self, expects: str, pattern: str = ".+", metavar: str = "TEXT", *, required: bool = False
    ) -> None:
        super().__init__(required=required)
        self.expects = expects
        self.metavar = metavar
        self._pattern = re.compile(pattern)

    def check(self, value: object) -> str:
        if not isinstance(value, str) or not value.isprintable() or not self._pattern.fullmatch(value):
            raise ValueError
        return value


class Key(Text):
    """A key as it is sent."""

    def check(self, value: object) -> str:
        if isinstance(value, str) and value.lower().startswith("bearer "):
            raise Unusable("Leave out the word Bearer, which is sent before it.")
        if isinstance(value, str) and value.startswith(("env:", "file:")):
            raise Unusable("env: and file: have a meaning in tables of the file alone, as key of [upstreams.NAME].")
        return super().check(value)


_SHOWN_CHOICES: Final = 6
"""In the help of a flag; more have a page of the documentation."""


def choice_of(text: str) -> str:
    """Return a word in the form that choices have: `LM-Studio` is `lm_studio`."""
    return text.lower().replace("-", "_")


class Choice(Kind):
    def __init__(self, *choices: str, required: bool = False) -> None:
        super().__init__(required=required)
        self.choices = choices
        self.metavar = "[" + "|".join(choices) + "]" if len(choices) <= _SHOWN_CHOICES else "NAME"
        self.expects = "one of " + ", ".join(choices)

    def check(self, value: object) -> str:
        found = choice_of(value) if isinstance(value, str) else ""
        if found not in self.choices:
            near = suggest(value.lower(), self.choices) if isinstance(value, str) else ""
            raise Unusable(near.strip()) if near else ValueError
        return found


class Several(Kind):
    """Several values of one pattern: separated by commas in text, or a TOML array."""

    pattern: re.Pattern[str]

    def from_text(self, text: str) -> object:
        return [one.strip() for one in text.split(",") if one.strip()]

    def check(self, value: object) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise Unusable("In the file it is an array, each value in quotes of its own.")
        if not all(isinstance(one, str) and self.pattern.fullmatch(one) for one in value):
            raise ValueError
        return tuple(value)


class Keys(Several):
    expects = "a comma list of keys without spaces, at least 8 characters each"
    pattern = re.compile(r"[!-~]{8,512}")


class Secrets(Several):
    metavar = "SECRET,…"
    expects = "a comma list of secrets without spaces, at least 32 characters each"
    pattern = re.compile(r"[!-+\--~]{32,512}")


class Names(Several):
    metavar = "NAME,…"
    expects = "a comma list of names, for example stop,seed,top_k"
    pattern = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


class HeaderLines(Several):
    metavar = "NAME: VALUE,…"
    expects = "a comma list of headers, for example HTTP-Referer: https://example.com, X-Title: example"
    pattern = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}: *[!-~]([ -~]{0,8190}[!-~])?")


class Hosts(Several):
    """Hosts, each with a port unless it is the default port of its scheme."""

    metavar = "HOST,…"
    expects = "a comma list of hosts, for example files.example.com, *.example.org, 10.0.0.7:8080 or *"
    pattern = re.compile(r"(\*|(\*\.)?[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*)(:[0-9]{1,5})?")

    def check(self, value: object) -> tuple[str, ...]:
        hosts = super().check(value)
        if any(urlsplit(f"//{host}").port == 0 for host in hosts):  # .port raises ValueError for a bad port
            raise ValueError
        return hosts


class Origins(Several):
    metavar = "ORIGIN,…"
    expects = "a comma list of origins without paths, for example https://app.example.com,http://localhost:3000, or *"
    pattern = re.compile(r"\*|[a-z][a-z0-9+.-]*://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?")


class Address(Kind):
    """Host and port to listen on; for port 0, the system chooses one."""

    metavar = "HOST:PORT"
    expects = "host:port, for example 127.0.0.1:8000 or [::1]:8000"

    def check(self, value: object) -> str:
        if not isinstance(value, str) or not _ADDRESS.fullmatch(value) or split_address(value)[1] > 65535:
            raise ValueError
        return value


class BindAddress(Address):
    """What to listen on: host and port, `*` for every host, or the path of a Unix socket."""

    expects = "host:port, for example 127.0.0.1:8000 or [::1]:8000, or unix: and the path of a socket"

    def check(self, value: object) -> str:
        if isinstance(value, str) and value.startswith(UNIX):
            if not value.isprintable() or value == UNIX:
                raise ValueError
            return value
        if isinstance(value, str) and value.startswith("*:"):
            value = "0.0.0.0" + value[1:]
        return super().check(value)


class ChatURL(Kind):
    """Base URL of a chat-completions API, without a slash at its end; it may have a query (Azure's `api-version`)."""

    metavar = "URL"
    expects = "the provider's base URL, for example http://localhost:11434/v1"

    def check(self, value: object) -> str:
        if not isinstance(value, str) or not value.isprintable():
            raise ValueError
        url = urlsplit(value)
        if url.scheme not in ("http", "https") or not url.hostname or url.fragment:
            raise Unusable(fault) if value and (fault := find_fault(value)) else ValueError
        if fault := find_fault(value):
            raise Unusable(fault)
        if url.username is not None:
            raise Unusable("A user name or key in it would not be sent; set upstream_api_key or headers.")
        if url.port == 0:  # .port raises ValueError for a bad port
            raise ValueError
        base, mark, query = value.partition("?")
        base = base.rstrip("/").removesuffix("/chat/completions").rstrip("/")
        if base.endswith("/responses"):
            raise Unusable("It leads to a Responses API, and this adapter needs one for chat completions.")
        return base + mark * bool(query) + query

    def format(self, value: object) -> str:
        base, mark, query = str(value).partition("?")
        return base + mark + "&".join(f"{name.partition('=')[0]}=****" for name in query.split("&") if name)


class HTTPURL(Kind):
    """URL of a server other than a provider's; its query is part of it."""

    metavar = "URL"
    expects = "an http or https URL without a user name, for example https://mcp.example.com/mcp"

    def check(self, value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"[!-~]{1,2048}", value):
            raise ValueError
        url = urlsplit(value)
        if url.scheme not in ("http", "https") or not url.hostname or url.fragment or url.username is not None:
            raise ValueError
        if url.port == 0:  # .port raises ValueError for a bad port
            raise ValueError
        return value


class StoreLocation(Kind):
    metavar = "URL"
    expects = (
        "memory:, sqlite:///path/to/file.db, postgresql+psycopg://user:password@host/database or "
        "redis://user:password@host:port/number"
    )

    def check(self, value: object) -> str:
        if not isinstance(value, str) or not value.isprintable():
            raise ValueError
        if value.startswith("postgres://"):
            raise Unusable("Write postgresql:// in place of postgres://.")
        if ":" not in value and "." in value:
            raise Unusable(f"A file is written sqlite:///{value}.")
        try:
            return parse_store_url(value).text
        except ValueError:
            if re.match(r"(postgresql(\+psycopg)?|rediss?)://.*@", value):
                raise Unusable("In a name or password, write %40 for @, %3A for :, %2F for /, %23 for #.") from None
            raise

    def format(self, value: object) -> str:
        return without_password(str(value))


def split_header_lines(lines: Iterable[str]) -> dict[str, str]:
    """Return name → value of headers."""
    parts = (line.partition(":") for line in lines)
    return {name: value.strip() for name, _, value in parts}


def split_address(address: str) -> tuple[str, int]:
    """Return host (without brackets) and port of a checked address."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def is_loopback(address: str) -> bool:
    """Whether only this machine can connect to a checked address."""
    if address.startswith(UNIX):
        return True
    host, _ = split_address(address)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def reason_in(messages: object) -> str:
    """Return the sentence of an `Unusable` among marshmallow's messages about a value, after a space; "": none."""
    return f" {messages['reason'][0]}" if isinstance(messages, dict) and "reason" in messages else ""


def suggest(name: str, known: Iterable[str]) -> str:
    """Return a sentence that suggests the most similar of the known names; "": none is similar."""
    near = nearest(name, known)
    return f" Did you mean {near}?" if near else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the most similar of the known names; "": none is similar."""
    return next(iter(difflib.get_close_matches(name, known, n=1)), "") if len(name) <= _MAX_SUGGESTED_FOR else ""
