"""The commands `keys` and `usage`."""

from typing import Any

import click

from adapter.commands.command import Command, CommandError, flags, opened
from adapter.settings.settings import Settings


@click.group()
def keys() -> None:
    """Make, show, replace and revoke keys of callers."""


def key_options(command: Command) -> Command:
    """Give a command an option for each setting of a key."""
    count = click.IntRange(1)
    options = [
        click.option("--requests-per-minute", type=count, help="Requests that it may send a minute."),
        click.option("--tokens-per-minute", type=count, help="Tokens that its requests may use a minute."),
        click.option("--concurrent", type=count, help="Responses that it may have answered at a time."),
        click.option("--tokens-per-day", type=count, help="Tokens that it may use in a day."),
        click.option("--tokens-per-month", type=count, help="Tokens that it may use in a month."),
        click.option("--model", "models", multiple=True, help="A model, or a pattern, that it may use. Default: all."),
        click.option("--tenant", help="Whose responses it reads and writes. Default: its name."),
        click.option("--admin", is_flag=True, default=None, help="Let it use the admin address, too."),
        click.option("--days", type=click.IntRange(1, 36_500), help="Days until it expires."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@keys.command("create")
@click.argument("name")
@click.option("--stored", is_flag=True, help="Put it into the store, for servers with ADAPTER_STORED_KEYS.")
@key_options
@flags("config", "store")
def create_key(settings: Settings, name: str, stored: bool, **given: Any) -> None:
    """Print a new key, and the table for the configuration file.

    The key itself is stored nowhere, only its hash: in that table, or with --stored in the store. The table goes to
    standard error, so that `keys create NAME >NAME.key 2>>adapter.toml` adds it.
    """
    from adapter.commands.keys import add_stored_key, how_to_add, table_of
    from adapter.sharing.new_keys import create_key

    if stored:
        with opened(settings, create=True) as (store, _):
            click.echo(add_stored_key(store, settings, name, **given))
        click.echo(
            "\nThe key is shown this once. Servers with ADAPTER_STORED_KEYS=1 accept it.", err=True
        )
        return
    key = create_key()
    table = table_of(name, key, **given)
    click.echo(key)
    click.echo(how_to_add(settings, name, key, table), err=True)


@keys.command("rotate")
@click.argument("name")
@click.option("--overlap", default="7d", show_default=True, metavar="AGE", help="How long the old key is accepted.")
@flags("config", "store")
def rotate_key(settings: Settings, name: str, overlap: str) -> None:
    """Print a new key in place of one in the store.

    It reads what the old one has stored. For a key of the configuration file, create another and write both hashes,
    hashes = [old, new], until every caller has the new one.
    """
    from adapter.commands.keys import seconds_of
    from adapter.store.keys.stored_keys import rotate_key

    if any(key.name == name for key in settings.keys):
        raise CommandError(f"The key {name} is in the configuration file. Replace it there.")
    with opened(settings) as (store, _):
        click.echo(rotate_key(store, name, seconds_of(overlap)))
    click.echo(f"\nThe key is shown this once. The old key is accepted for {overlap} more.", err=True)


@keys.command("revoke")
@click.argument("name")
@flags("config", "store")
def revoke_key(settings: Settings, name: str) -> None:
    """Delete a key of the store. Servers refuse it within seconds."""
    from adapter.store.keys.stored_keys import revoke_key

    if any(key.name == name for key in settings.keys):
        raise CommandError(f"The key {name} is in the configuration file. Remove its table there.")
    with opened(settings) as (store, _):
        revoke_key(store, name)
    click.echo(f"Revoked: {name}.")


@keys.command("list")
@flags("config", "store", stored_keys="Show the keys of the store, too, which servers with this setting accept.")
def list_keys(settings: Settings) -> None:
    """Show the named keys: their limits and expiry, never the keys."""
    from adapter.commands.keys import report
    from adapter.store.keys.stored_keys import list_keys

    stored = []
    if settings.stored_keys:
        with opened(settings) as (store, _):
            stored = list_keys(store)
    click.echo("\n".join(report(settings, stored)))


@click.command()
@click.option("--days", type=click.IntRange(1, 400), help="Of so many days, today included. Default: of this month.")
@click.option("--key", metavar="NAME", help="Only of this key.")
@click.option("--by-day", is_flag=True, help="A line for each day.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, by day.")
@flags("config", "store")
def usage(settings: Settings, days: int | None, key: str | None, by_day: bool, as_json: bool) -> None:
    """Show what named keys have used, by upstream and model.

    A running server adds what it has counted every few seconds.
    """
    from adapter.commands.usage import report_usage
    from adapter.sharing.periods import usage_since
    from translators.wire import encode

    with opened(settings) as (store, _):
        found = [one for one in store.key_usage(usage_since(days)) if key in (None, one.key)]
    if key is not None and not found and not as_json:
        click.echo(f"The key {key} has used nothing.")
        return
    click.echo(encode(found).decode() if as_json else "\n".join(report_usage(found, by_day=by_day)))
