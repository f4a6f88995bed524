"""How the tables of a SQL store come to be, and how those of an earlier version become those of this one.

A version's steps are SQL as it was written for that version and never change: they have to find the tables as they
were then, whatever `tables.py` says now. `{bytes}` is what the database calls a column of bytes. The version stands in
the database and changes in the same transaction.
"""

from typing import Final

from sqlalchemy import Connection, insert, inspect, select, update

from adapter.store.base import StoreDown
from adapter.store.run_tables import run_events, runs
from adapter.store.tables import (
    VERSION,
    conversation_items,
    conversations,
    metadata,
    remembered,
    responses,
    schema_version,
)

TABLES: Final = (schema_version, responses, conversations, conversation_items, runs, run_events, remembered)

STEPS: Final = {
    2: (
        "CREATE TABLE remembered (key VARCHAR(200) NOT NULL, until FLOAT NOT NULL, value {bytes} NOT NULL, "
        "PRIMARY KEY (key))",
        "ALTER TABLE conversations ADD COLUMN used_at FLOAT DEFAULT '0' NOT NULL",
        "UPDATE conversations SET used_at = created_at",
    ),
}
"""What makes the next version of each version. Before the first of them, nothing was released."""


def version_of(connection: Connection) -> int | None:
    """Return the version of the tables, None if there are none; raise StoreDown for one that is not known here."""
    if not inspect(connection).has_table(schema_version.name):
        return None
    found = connection.scalar(select(schema_version.c.version))
    if found is not None and found > VERSION:
        raise StoreDown(
            f"its tables have version {found} and this program knows version {VERSION}; "
            "use the program that wrote it, or a later one"
        )
    if found is not None and found < min(STEPS):
        raise StoreDown(
            f"its tables have version {found}, which was never released; move the database away to begin anew"
        )
    return found


def migrate(connection: Connection, bytes_type: str) -> int:
    """Make the tables, or those of an earlier version into these; return the version that was found.

    The caller's transaction keeps other processes out.
    """
    found = version_of(connection)
    if found is None:
        metadata.create_all(connection, TABLES)
        connection.execute(insert(schema_version).values(version=VERSION))
        return VERSION
    for version in range(found, VERSION):
        for step in STEPS[version]:
            connection.exec_driver_sql(step.format(bytes=bytes_type))
    connection.execute(update(schema_version).values(version=VERSION))
    return found
