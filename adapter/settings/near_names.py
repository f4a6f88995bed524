"""What a name that is no setting may have meant: the setting of similar spelling, or the one for which other programs
have that word."""

from collections.abc import Callable, Collection
from typing import Final

from adapter.settings.description import PREFIX
from adapter.settings.kinds import nearest

_WORDS_ELSEWHERE: Final = {
    "address": "bind", "host": "bind", "listen": "bind", "port": "bind", "socket": "bind",
    "api_base": "upstream_url", "backend": "upstream_url", "base_url": "upstream_url", "endpoint": "upstream_url",
    "openai_base_url": "upstream_url", "provider": "upstream_url", "provider_url": "upstream_url",
    "url": "upstream_url",
    "key": "api_keys", "keys": "api_keys", "token": "api_keys", "tokens": "api_keys",
    "openai_api_key": "upstream_api_key", "provider_key": "upstream_api_key", "upstream_key": "upstream_api_key",
    "headers": "upstream_headers", "timeout": "upstream_timeout",
    "database": "store", "database_url": "store", "db": "store", "redis_url": "store", "ttl": "retention",
    "debug": "log_level", "loglevel": "log_level", "verbose": "log_level",
    "concurrency": "workers", "processes": "workers", "threads": "workers",
}  # fmt: skip
"""Names by which other programs call what a setting sets."""


def suggest_setting(name: str, known: Collection[str], written: Callable[[str], str] = str) -> str:
    """Return a sentence that suggests the setting that a name may mean, as it is `written` there; "": none."""
    plain = name.lower().replace("-", "_").removeprefix(PREFIX.lower())
    meant = plain if plain in known else _WORDS_ELSEWHERE.get(plain) or nearest(plain, known)
    return f" Did you mean {written(meant)}?" if meant in known else ""
