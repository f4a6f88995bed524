"""What the commands share: flags of settings, the store, and the error of a command that cannot run."""

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from adapter.settings.description import Description
from adapter.settings.kinds import Choice, Kind
from adapter.settings.settings import DESCRIPTIONS, Settings, SettingsError
from adapter.settings.sources import load_settings
from adapter.settings.tables import TableError

if TYPE_CHECKING:
    from adapter.store.files.protocols import FileStore
    from adapter.store.protocols import Store

Command = Callable[..., None]


class CommandError(click.ClickException):
    """The command could not run: one line on standard error, no traceback, exit code 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(f"responses-adapter: {self.message}", err=True)


def flags(*names: str, **helps: str) -> Callable[[Command], Command]:
    """Give a command the flags of these settings (default: all), and call it with the loaded `settings`.

    `helps`: further ones, with what they mean to this command where it is something else than to the server.
    """
    wanted = {*names, *helps} or DESCRIPTIONS.keys()
    chosen = [
        replace(of, help=helps.get(of.name, of.help))
        for of in DESCRIPTIONS.values() if not of.secret and of.name in wanted
    ]  # fmt: skip

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(**given: Any) -> None:
            flagged = {of.name: given.pop(of.name) for of in chosen}
            try:
                command(load_settings(flagged), **given)
            except (SettingsError, TableError) as error:
                raise CommandError(str(error)) from None

        with_flags: Command = run
        for of in reversed(chosen):
            with_flags = _flag(of)(with_flags)
        return with_flags

    return decorate


def _flag(of: Description) -> Callable[[Command], Command]:
    default = of.format(of.default)
    help = f"{of.help}{default and f' Default: {default}.'} [{of.variable}]"
    if of.default is False:
        return click.option(of.flag, of.name, flag_value="true", default=None, help=help)
    complete = partial(_complete, of.kind)
    return click.option(of.flag, of.name, metavar=of.kind.metavar, help=help, shell_complete=complete)


def _complete(kind: Kind, context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Return how a shell completes the value of a flag: one of its choices, a file, or nothing."""
    if isinstance(kind, Choice):
        return [CompletionItem(choice) for choice in kind.choices if choice.startswith(begun)]
    return [CompletionItem(begun, type="file")] if kind.metavar in ("FILE", "FOLDER") else []


def check_store(settings: Settings, *, create: bool = False) -> None:
    """Raise CommandError if the store is in memory, or a file that is not there, unless it may be created."""
    if settings.store_url.kind == "memory":
        raise CommandError("A memory: store ends with its server; set --store or ADAPTER_STORE.")
    path = settings.store_url.path
    if settings.store_url.kind == "sqlite" and not create and not os.path.exists(path):
        where = os.path.abspath(path)
        raise CommandError(f"There is no store at {where}: a server makes it. Set --store or ADAPTER_STORE.")


@contextmanager
def opened(settings: Settings, *, create: bool = False) -> Iterator[tuple["Store", "FileStore | None"]]:
    """Open the store of the settings, and that of its files, if there is one.

    Raises CommandError as `check_store` does, and if it is down.
    """
    from adapter.store import open_store
    from adapter.store.base import StoreDown
    from adapter.store.files import open_file_store
    from adapter.store.keys.stored_keys import KeyExists, KeyNotFound

    check_store(settings, create=create)
    try:
        with ExitStack() as open:
            store = open.enter_context(closing(open_store(settings.store_url)))
            files = open_file_store(settings.store_url)
            if files is not None:
                open.callback(files.close)
            yield store, files if files is not None and files.is_in_use() else None
    except KeyExists as error:
        raise CommandError(f"There is a key {error} already.") from None
    except KeyNotFound as error:
        raise CommandError(f"There is no key {error} in the store.") from None
    except (StoreDown, ValueError) as error:
        raise CommandError(str(error)) from None


def show_lessons(settings: Settings) -> None:
    """Print what servers with this store have learned, if they have learned anything."""
    from adapter.commands.lessons import report
    from adapter.store.base import StoreDown

    try:
        lines, _ = report(settings)
    except StoreDown as error:
        lines = [f"The lessons are unknown: the store is down: {error}"]
    for line in lines:
        click.echo(line)
