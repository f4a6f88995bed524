"""The settings by topic, for `serve --help` and the file of `config init`."""

from collections.abc import Iterable, Mapping
from typing import Final

import click

from adapter.settings.settings import DESCRIPTIONS

SETTING_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "Address": ("config", "bind", "workers"),
    "Provider": (
        "upstream_url", "upstream_api_key", "upstream_headers", "upstream_ca_file", "upstream_certificate",
        "upstream_certificate_key", "connect_timeout", "upstream_timeout", "retries", "dialect", "passthrough",
        "forward",
    ),
    "Store": ("store", "retention", "store_cache_bytes", "history_cache_bytes", "secret_key"),
    "Who may call": ("api_keys", "stored_keys", "allow_open", "cors_origins"),
    "Operator": (
        "admin_bind", "admin_key", "admin_hosts", "inspector", "inspector_bytes", "log_level", "log_format",
        "otlp_endpoint", "otlp_headers", "trace_start", "trace_sample",
    ),
    "Answers": ("reasoning_as", "grace_window", "keep_alive", "prompts", "codex_instructions"),
    "Limits": (
        "max_body_bytes", "max_bodies_bytes", "max_responses", "max_lag", "max_background", "max_input_items",
        "max_output_bytes", "body_timeout", "write_timeout", "shutdown_grace",
    ),
    "Shares of tenants": ("tenant_share", "tenant_stored_bytes", "tenant_stored_items"),
    "Files": ("max_file_bytes", "file_url_hosts"),
}  # fmt: skip
"""Every setting, by the title of its topic."""


class GroupedCommand(click.Command):
    """A command whose help lists the options of each topic under a title of its own."""

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        records = {parameter.name: parameter.get_help_record(context) for parameter in self.get_params(context)}
        for title, names in _grouped(str(name) for name in records):
            rows = [record for name in names if (record := records[name]) is not None]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def _grouped(names: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Return topics with those of their settings that are named; names that are no settings come last."""
    left = list(names)
    groups = [(title, [name for name in of if name in left]) for title, of in SETTING_GROUPS.items()]
    return [*groups, ("Other", [name for name in left if name not in DESCRIPTIONS])]
