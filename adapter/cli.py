"""The command line: `responses-adapter serve | check | watch | keys | usage | lessons | …`.

Flags are made from the descriptions of the settings. Results go to standard output, everything else to standard error.
Exit codes: 0 success, 1 a negative result (a check failed, a request is invalid), 2 the command could not run; those of
an end from outside are in `commands/program.py`. Each command imports what it needs when it runs, so that `--help` is
quick and `serve` can patch the standard library first (see `server/server.py`).
"""

import os
import signal
import sys
from codecs import BOM_UTF8
from typing import TYPE_CHECKING, BinaryIO

import click

from adapter import __version__
from adapter.commands.check.command import check
from adapter.commands.command import CommandError, flags
from adapter.commands.key_commands import keys, usage
from adapter.commands.program import Program
from adapter.commands.setting_groups import GroupedCommand
from adapter.commands.store_commands import store
from adapter.settings.effective import effective
from adapter.settings.settings import Settings

if TYPE_CHECKING:
    from translators.notes import Notes

EXAMPLES = """\b
Examples:
  responses-adapter serve
      try it with the bundled demo upstream
  responses-adapter serve --upstream-url http://localhost:11434/v1
      serve Ollama's models on http://127.0.0.1:8000/v1
  responses-adapter check --upstream-url https://api.example.com/v1
      find out what a provider supports; the key comes from ADAPTER_UPSTREAM_API_KEY
  responses-adapter keys create search --concurrent 8
      make a key for a caller, and the table that makes the server accept it
  responses-adapter usage
      show the tokens that each key has used this month
  responses-adapter watch --admin-bind 127.0.0.1:9464
      show what a server with ADAPTER_INSPECTOR=contents is asked and answers, as it happens
  responses-adapter lessons
      show what the adapter has learned from the providers' rejections
  responses-adapter translate request.json
      show the chat request made from a Responses request
  responses-adapter replay chunks.sse
      show the events made from a provider's recorded answer
  responses-adapter store stats
      show how much is stored, and how old it is

\b
Each setting is a flag (--upstream-url), an environment variable (ADAPTER_UPSTREAM_URL) and a key of a TOML file
(upstream_url; --config names the file). The first one given wins, in this order.
"""


@click.group(
    cls=Program, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """The OpenAI Responses API in front of any chat-completions provider."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        click.get_current_context().color = False


main.add_command(check)
main.add_command(keys)
main.add_command(usage)
main.add_command(store)


@main.command(cls=GroupedCommand)
@flags()
def serve(settings: Settings) -> None:
    """Serve /v1/responses in the foreground.

    Secrets have no flag: set ADAPTER_UPSTREAM_API_KEY, ADAPTER_UPSTREAM_HEADERS, ADAPTER_API_KEYS, ADAPTER_ADMIN_KEY,
    ADAPTER_SECRET_KEY and ADAPTER_OTLP_HEADERS in the environment or in the TOML file. SIGTERM stops the server when
    open responses are done, Ctrl-C at once.
    """
    from adapter.server.server import serve

    serve(settings)


@main.command()
@click.argument("body", type=click.File("rb"), metavar="BODY.json")
@flags("config", "dialect", "upstream_url", "max_input_items", "passthrough", "prompts")
def translate(settings: Settings, body: BinaryIO) -> None:
    """Print the chat request for a Responses request.

    BODY.json is the body of POST /v1/responses; - reads standard input. Notes on approximations go to standard error.
    Nothing is sent anywhere.
    """
    from adapter.api.request.prompts import UnusablePrompt
    from adapter.commands.offline import indented, reindented, translate
    from adapter.commands.terminal import show_pair
    from adapter.telemetry.visible_text import visible_line
    from translators.errors import RequestError
    from translators.notes import Notes

    notes, text = Notes(), body.read().removeprefix(BOM_UTF8)
    try:
        chat = translate(text, settings, notes)
    except UnusablePrompt as error:
        raise CommandError(f"prompt {error.id}: {error.reason}") from None
    except RequestError as error:
        where = f" (param {error.param})" if error.param else ""
        click.echo(visible_line(f"{error.status} {error.type}{where}: {error.message}"), err=True)
        sys.exit(1)
    if sys.stdout.isatty():
        show_pair(reindented(text), indented(chat))
    else:
        click.echo(indented(chat))
    show(notes)


@main.command()
@click.argument("chunks", type=click.File("rb"), metavar="CHUNKS.sse")
@flags("config", "reasoning_as", "max_output_bytes")
def replay(settings: Settings, chunks: BinaryIO) -> None:
    """Print the Responses stream for a recorded answer.

    CHUNKS.sse is the body of a /chat/completions answer, streamed or whole; - reads standard input. Exits with 1 if the
    response fails.
    """
    from adapter.commands.offline import replay
    from adapter.commands.terminal import is_wide, show_replay
    from adapter.telemetry.visible_text import visible_line
    from translators.notes import Notes

    notes = Notes()
    failure = show_replay(chunks, settings, notes) if is_wide() else replay(chunks, sys.stdout.buffer, settings, notes)
    show(notes)
    if failure:
        click.echo(visible_line(f"failed: {failure}"), err=True)
        sys.exit(1)


@main.command()
@click.option("--whole", is_flag=True, help="Print texts whole. Without a terminal they are.")
@flags("config", admin_bind="The admin address of the server to watch: what it has as its own setting.")
def watch(settings: Settings, whole: bool) -> None:
    """Show what a running server does, as it happens.

    What each model is asked and answers, notes, errors: from the inspector of a server with ADAPTER_INSPECTOR, which
    this reads at its admin address, with ADAPTER_ADMIN_KEY if that is set.
    """
    from adapter.commands.watch import Inspector, watch

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python ignores KeyboardInterrupt while it frees an answer
    watch(Inspector(settings), whole=whole or not sys.stdout.isatty())


class ShownByDefault(click.Group):
    """A group whose command `show` runs when no other is named."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        if context.resilient_parsing:  # a shell completes the name of a command
            return super().parse_args(context, args)
        if not args or (args[0].startswith("-") and args[0] not in context.help_option_names):
            args = ["show", *args]
        return super().parse_args(context, args)


@main.group(cls=ShownByDefault)
def config() -> None:
    """Show the settings in effect, or write a file of them."""


@config.command("show")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object: name, value and source of each.")
@flags()
def show_config(settings: Settings, as_json: bool) -> None:
    """Print all settings, upstreams, models, and their sources."""
    rows = effective(settings)
    if as_json:
        from translators.wire import encode

        click.echo(encode({name: {"value": value or None, "source": source} for name, value, source in rows}))
        return
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, value, source in rows:
        click.echo(f"{name:<{widths[0]}}  {value or '(unset)':<{widths[1]}}  {source}")


@config.command("init")
@click.argument("file", default="adapter.toml", type=click.Path(dir_okay=False, allow_dash=True))
def init_config(file: str) -> None:
    """Write a configuration file with every setting in it, commented out.

    FILE is adapter.toml unless another is named; - writes to standard output. A file that is there stays as it is.
    """
    from adapter.commands.config_file import config_template

    if file == "-":
        click.echo(config_template(), nl=False)
        return
    try:
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(config_template())
    except FileExistsError:
        raise CommandError(f"{file} exists, and stays as it is. Name another file, or - for standard output.") from None
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from None
    click.echo(f"{file} is written. Set something in it, then: responses-adapter serve --config {file}")


@main.command()
@click.option("--forget", is_flag=True, help="Erase all lessons. Running servers stop applying them within seconds.")
@flags("config", "store")
def lessons(settings: Settings, forget: bool) -> None:
    """Show what was learned from the providers' rejections.

    A member, role or form that a provider rejects is omitted or replaced for six hours.
    """
    from adapter.commands.lessons import forget_all, report
    from adapter.store.base import StoreDown

    try:
        if forget:
            click.echo(f"Lessons erased: {forget_all(settings)}.")
            return
        lines, why_none = report(settings)
    except StoreDown as error:
        raise CommandError(str(error)) from None
    click.echo("\n".join(lines) or why_none)


def show(notes: "Notes") -> None:
    from adapter.telemetry.visible_text import visible_line

    for note in notes:
        click.echo(visible_line(f"note: {note.param} {note.action}: {note.reason}"), err=True)


if __name__ == "__main__":
    main(prog_name="responses-adapter")
