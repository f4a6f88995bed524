"""The settings that are in effect, as `responses-adapter config` shows them."""

from typing import Final

from adapter.settings.description import Description
from adapter.settings.models import Target
from adapter.settings.settings import DESCRIPTIONS, Settings
from adapter.settings.tables import quote_key
from translators.dialects.presets import dialect_for

_INHERITED: Final = {"connect_timeout": "connect_timeout", "timeout": "upstream_timeout"}
"""Settings of an upstream → the setting whose value they have by default."""


def effective(settings: Settings) -> list[tuple[str, str, str]]:
    """Return (name, value, source) of every setting; secrets are masked, unset values are empty."""
    rows = [
        (name, _format(settings, of), settings.sources.get(name, "default")) for name, of in DESCRIPTIONS.items()
    ]
    for key in settings.keys:
        where = f"keys.{quote_key(key.name)}"
        rows += [(f"{where}.{name}", value, f"{settings.config}: {where}") for name, value in key.describe().items()]
    for upstream in settings.upstreams:
        for name, value in upstream.describe().items():
            source = settings.sources.get(_INHERITED.get(name, ""), "default")
            if name in upstream.given:
                source = f"{settings.config}: upstreams.{upstream.name}"
            rows.append((f"upstreams.{upstream.name}.{name}", value, source))
    for pattern, targets in settings.models.items():
        value = ", ".join(map(Target.describe, targets))
        rows.append((f"models.{quote_key(pattern)}", value, f"{settings.config}: models"))
    return rows + _describe_tools(settings)


def _format(settings: Settings, of: Description) -> str:
    """Return the value of a setting as text; that of `dialect` with the dialect that it leads to."""
    value = of.format(getattr(settings, of.name))
    if of.name == "dialect" and value == "auto" and settings.upstream_url is not None:
        return f"auto: {dialect_for(settings.upstream_url).name}"
    return value


def _describe_tools(settings: Settings) -> list[tuple[str, str, str]]:
    """Return the rows of `[tools]`; none if the file has no such table."""
    return [
        (f"{place}.{name}", value, f"{settings.config}: {place}" if name in table.given else "default")
        for place, table in settings.tools.tables().items()
        for name, value in table.describe().items()
    ]
