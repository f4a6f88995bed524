"""The command `store`."""

from pathlib import Path

import click
from msgspec.structs import replace

from adapter.commands.command import CommandError, check_store, flags, opened
from adapter.settings.settings import DESCRIPTIONS, Settings


@click.group()
def store() -> None:
    """Maintain the store."""


@store.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@flags("config", "store")
def backup(settings: Settings, folder: Path) -> None:
    """Copy a SQLite store into FOLDER, also while servers use it.

    Its database, that of its files, and its secret key. FOLDER is made if it is missing; no file in it is overwritten.
    """
    from adapter.commands.backup import BackupError, back_up

    check_store(settings)
    match settings.store_url.kind:
        case "postgresql":
            raise CommandError("This copies SQLite files. PostgreSQL's own command for a backup is pg_dump.")
        case "redis":
            raise CommandError("This copies SQLite files. A backup of Redis is its server's dump.rdb, by BGSAVE.")
    try:
        copies = back_up(settings.store_url.path, folder)
    except BackupError as error:
        raise CommandError(str(error)) from None
    for copy in copies:
        click.echo(copy)


@store.command()
@flags("config", "store")
def upgrade(settings: Settings) -> None:
    """Upgrade the tables of an earlier version.

    A SQLite file is upgraded when it is first used; any other store needs this command. Stop all servers first.
    """
    with opened(settings) as (store, files):
        found, version = store.upgrade(), store.stats().version
        if files is not None:
            files.upgrade()
    if found == version:
        click.echo(f"The store already has version {version}.")
    else:
        click.echo(f"Upgraded from version {found} to {version}.")


@store.command()
@flags("config", "store", "retention")
def prune(settings: Settings) -> None:
    """Erase what has not been used for the time of --retention.

    Namely responses that no newer response continues, conversations, and files. Servers with this setting do it
    themselves.
    """
    from adapter.store.retention import prune

    if settings.retention is None:
        raise CommandError("There is no retention time: set --retention or ADAPTER_RETENTION.")
    with opened(settings) as (store, files):
        click.echo(f"Erased: {prune(store, settings.retention, files)}.")


@store.command()
@flags("config", "store")
def stats(settings: Settings) -> None:
    """Count what is stored; this may take a while."""
    from adapter.store.report import report_stats

    with opened(settings) as (store, files):
        counted = store.stats()
        if files is not None:
            counted = replace(counted, kinds=(*counted.kinds, *files.stats()))
        lines = report_stats(counted)
    click.echo("\n".join([DESCRIPTIONS["store"].format(settings.store), *lines]))
