"""The command `check`: which probes run, and how their results are shown.

On a terminal the probe that runs is named until its result takes its place. `--json` prints one object at the end.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from adapter.commands.command import flags, show_lessons
from adapter.settings.kinds import suggest
from adapter.settings.settings import DESCRIPTIONS, Settings, SettingsError
from adapter.settings.upstreams import DEFAULT, UpstreamSettings

if TYPE_CHECKING:
    from adapter.commands.check.results import Result


@click.command()
@click.option("--model", help="The model to use. Default: the first configured, else the first the provider lists.")
@click.option("--upstream", metavar="NAME", help="The upstream of the TOML file to check. Default: all.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when everything is checked.")
@flags("config", "upstream_url", "dialect", "connect_timeout", "upstream_timeout", "store")
def check(settings: Settings, model: str | None, upstream: str | None, as_json: bool) -> None:
    """Find out what providers and servers of tools support.

    Sends a few small requests, which a provider may charge for. Exits with 1 if the adapter cannot work with one of
    them. Without any upstream the bundled demo is checked.
    """
    from adapter.commands.check.results import create_probes, report, run_probes
    from adapter.settings.dialects import describe_dialect
    from adapter.telemetry.visible_text import visible_line

    if model is not None and not (model and model.isprintable()):
        raise SettingsError("--model must be the name of a model.")
    if upstream is not None:
        _choose(settings, upstream)  # before a demo is started
    with _demo_unless_configured(settings) as settings:
        chosen = _choose(settings, upstream)
        if settings.sources.get("dialect") == DESCRIPTIONS["dialect"].flag and settings.dialect != "auto":
            settings = settings.with_presets(dict.fromkeys((one.name for one in chosen), settings.dialect))
            chosen = _choose(settings, upstream)
        table = _Table(silent=as_json)
        checked: list[dict[str, Any]] = []
        results: list[Result] = []
        for one in chosen:
            named = "" if one.name == DEFAULT else f"{one.name}, "
            table.write(f"Checking {named}{one.url}")
            probes = create_probes(settings, model, one)
            found = []
            for result in run_probes(probes, table.start):
                found.append(result)
                table.write(report(result))
            for sentence in probes.advice:
                table.write(f"  - {visible_line(sentence)}")
            results += found
            used = {"dialect": describe_dialect(probes.upstream.dialect), "model": probes.model}
            checked.append({"name": one.name, "url": one.url, **used, **_described(found), "advice": probes.advice})
        of_tools = _check_tools(settings, table) if upstream is None and settings.tools.tables() else []
    works = all(result.ok for result in results + of_tools if result.basic)
    if as_json:
        from translators.wire import encode

        click.echo(encode({"works": works, "upstreams": checked, "tools": _described(of_tools)}))
    else:
        show_lessons(settings)
    if not works:
        sys.exit(1)


def _check_tools(settings: Settings, table: "_Table") -> "list[Result]":
    from adapter.commands.check.results import report
    from adapter.commands.check.tools import run_tool_probes
    from adapter.telemetry import logs

    logs.configure(settings.log_level, "console")  # to standard error: why a server could not be reached
    table.write("Checking tools")
    results = []
    for result in run_tool_probes(settings):
        results.append(result)
        table.write(report(result))
    return results


@contextmanager
def _demo_unless_configured(settings: Settings) -> Iterator[Settings]:
    """Give settings with an upstream: the configured ones, else a demo that runs as long as the check."""
    if settings.all_upstreams():
        yield settings
        return
    import dataclasses

    from adapter.demo import start_child

    demo, url = start_child()
    with demo:
        try:
            click.echo("No upstream is configured (ADAPTER_UPSTREAM_URL): this checks the bundled demo.", err=True)
            yield dataclasses.replace(settings, upstream_url=url)
        finally:
            demo.terminate()


def _choose(settings: Settings, name: str | None) -> list[UpstreamSettings]:
    """Return the upstream of a name, or all of them; raise SettingsError if there is none of that name."""
    upstreams = {one.name: one for one in settings.all_upstreams()}
    if name is None:
        return list(upstreams.values())
    if name not in upstreams:
        raise SettingsError(f"--upstream: there is no upstream {name}.{suggest(name, upstreams)}")
    return [upstreams[name]]


def _described(results: "list[Result]") -> dict[str, Any]:
    return {"probes": [{**result._asdict(), "seconds": round(result.seconds, 3)} for result in results]}


class _Table:
    """Lines on standard output; on a terminal, the last one names what is under way."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self._is_terminal = not silent and sys.stdout.isatty() and click.get_current_context().color is not False

    def start(self, name: str) -> None:
        """Name a probe that begins, until the next line is written."""
        if self._is_terminal:
            click.echo(f"  {name:<18}…", nl=False)

    def write(self, line: str) -> None:
        if not self._silent:
            click.echo(f"\r\x1b[K{line}" if self._is_terminal else line)
