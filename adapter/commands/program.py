"""The program around the commands: help by topic, standard streams, and the end of a command that cannot go on.

What ends a command from outside has the exit code that a shell gives for the signal: 130 for Ctrl-C, 141 if the reader
of its output has gone. Neither says anything about what the command was asked.
"""

import errno
import io
import os
import sys
from typing import Any, Final

import click

from adapter.commands.command import CommandError
from adapter.settings.settings import DESCRIPTIONS
from adapter.telemetry.output import discard_unwritable_output

_COMMAND_GROUPS: Final = {
    "Set up and serve": ("config", "check", "serve"),
    "See what happens": ("watch", "translate", "replay", "lessons"),
    "Look after callers and data": ("keys", "usage", "store"),
}
"""Every command, by the title under which the help lists it."""
_INTERRUPTED: Final = 130
_READER_GONE: Final = 141
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


class Program(click.Group):
    """All commands."""

    def main(self, *args: Any, **options: Any) -> Any:
        _prepare_streams()
        return super().main(*args, **options)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in _COMMAND_GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(limit=80)) for name in names])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            raise _secret_flag(error.option_name) or error from None
        except KeyboardInterrupt:
            click.echo(err=True)
            sys.exit(_INTERRUPTED)
        except OSError as error:
            if error.errno not in (errno.EPIPE, *_FULL):
                raise
            discard_unwritable_output()
            if error.errno == errno.EPIPE:
                sys.exit(_READER_GONE)
            raise CommandError(f"The output cannot be written: {error.strerror}.") from None


def _prepare_streams() -> None:
    """Open streams that are closed, and let a character that the terminal's coding lacks be written as an escape."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - until the process ends
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def _secret_flag(option: str) -> CommandError | None:
    """Return the error for the flag of a secret setting; None: the option is no such flag."""
    of = next((one for one in DESCRIPTIONS.values() if one.secret and one.flag == option), None)
    if of is None:
        return None
    return CommandError(
        f"{option} is no flag, since other users of a machine can read a command line. Set {of.variable}, or {of.name} "
        "in the file."
    )
