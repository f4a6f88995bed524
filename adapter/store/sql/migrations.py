"""The tables of the responses, and how tables are created, or those of an earlier version migrated to this one.

The steps of a version are SQL as it was written for that version and never change: they find the tables as they were
then, whatever `CREATE` says now. `{bytes}` is the database's type for bytes. The version is stored in the database and
changes in the same transaction.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from adapter.store.base import StoreDown


class Schema(Struct, frozen=True):
    """Tables that have one version together."""

    create: tuple[str, ...]
    """Statements that create the tables, the one of the version included."""
    version: int
    steps: Mapping[int, tuple[str, ...]] = {}
    """Statements that upgrade each version to the next. No version before the first of them was released."""
    version_table: str = "schema_version"


VERSION: Final = 4
"""Version of the tables; a change of them raises it and adds to STEPS."""

CREATE: Final = (
    "CREATE TABLE schema_version (version INTEGER NOT NULL)",
    # The long values are last, because SQLite reads through them to reach the columns after them.
    """CREATE TABLE responses (
        id VARCHAR(64) NOT NULL, tenant VARCHAR(64) NOT NULL, created_at BIGINT NOT NULL, previous VARCHAR(64),
        version BIGINT NOT NULL, deleted BOOLEAN NOT NULL,
        input {bytes} NOT NULL, response {bytes} NOT NULL, notes {bytes} NOT NULL, conversation VARCHAR(64),
        PRIMARY KEY (id, tenant)
    )""",
    "CREATE INDEX responses_previous ON responses (previous) WHERE previous IS NOT NULL",
    """CREATE TABLE conversations (
        id VARCHAR(64) NOT NULL, tenant VARCHAR(64) NOT NULL, created_at BIGINT NOT NULL, metadata {bytes} NOT NULL,
        lease_holder VARCHAR(64), lease_until FLOAT, used_at FLOAT DEFAULT '0' NOT NULL,
        PRIMARY KEY (id, tenant)
    )""",
    # The id of an item may come from a client, and be long.
    """CREATE TABLE conversation_items (
        tenant VARCHAR(64) NOT NULL, conversation VARCHAR(64) NOT NULL, position BIGINT NOT NULL,
        id VARCHAR NOT NULL, json {bytes} NOT NULL,
        PRIMARY KEY (tenant, conversation, position)
    )""",
    """CREATE TABLE runs (
        id VARCHAR(64) NOT NULL, tenant VARCHAR(64) NOT NULL, holder VARCHAR(64) NOT NULL, until FLOAT NOT NULL,
        streamed BOOLEAN NOT NULL, last INTEGER NOT NULL, ended FLOAT,
        PRIMARY KEY (id, tenant)
    )""",
    "CREATE INDEX runs_going_on ON runs (holder) WHERE ended IS NULL",
    "CREATE INDEX runs_replayable ON runs (ended) WHERE ended IS NOT NULL AND last >= 0",
    """CREATE TABLE run_events (
        tenant VARCHAR(64) NOT NULL, run VARCHAR(64) NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
        over BOOLEAN NOT NULL, frames {bytes} NOT NULL,
        PRIMARY KEY (tenant, run, first)
    )""",
    """CREATE TABLE remembered (
        key VARCHAR NOT NULL, until FLOAT NOT NULL, value {bytes} NOT NULL,
        PRIMARY KEY (key)
    )""",
    """CREATE TABLE key_usage (
        day VARCHAR(10) NOT NULL, key VARCHAR(64) NOT NULL, upstream VARCHAR NOT NULL, model VARCHAR NOT NULL,
        responses BIGINT NOT NULL, failed BIGINT NOT NULL, input_tokens BIGINT NOT NULL, cached_tokens BIGINT NOT NULL,
        output_tokens BIGINT NOT NULL, reasoning_tokens BIGINT NOT NULL,
        PRIMARY KEY (day, key, upstream, model)
    )""",
)

STEPS: Final = {
    2: (
        "CREATE TABLE remembered (key VARCHAR NOT NULL, until FLOAT NOT NULL, value {bytes} NOT NULL, "
        "PRIMARY KEY (key))",
        "ALTER TABLE conversations ADD COLUMN used_at FLOAT DEFAULT '0' NOT NULL",
        "UPDATE conversations SET used_at = created_at",
    ),
    3: (
        "CREATE TABLE key_usage (day VARCHAR(10) NOT NULL, key VARCHAR(64) NOT NULL, upstream VARCHAR NOT NULL, "
        "model VARCHAR NOT NULL, responses BIGINT NOT NULL, failed BIGINT NOT NULL, input_tokens BIGINT NOT NULL, "
        "cached_tokens BIGINT NOT NULL, output_tokens BIGINT NOT NULL, reasoning_tokens BIGINT NOT NULL, "
        "PRIMARY KEY (day, key, upstream, model))",
    ),
}
RESPONSES: Final = Schema(CREATE, VERSION, STEPS)


def version_of(cursor: Any, names: str, schema: Schema) -> int | None:
    """Return the version of the tables, None: there are none; raise StoreDown for an unknown version.

    `names` is the query for the names of the tables.
    """
    cursor.execute(names)
    if (schema.version_table,) not in cursor.fetchall():
        return None
    cursor.execute(f"SELECT version FROM {schema.version_table}")
    versions = cursor.fetchall()
    if len(versions) != 1 or not isinstance(versions[0][0], int):
        raise StoreDown(
            f"its table {schema.version_table} does not hold one version; put a backup in its place, or move it "
            "away to begin anew"
        )
    found: int = versions[0][0]
    if found > schema.version:
        raise StoreDown(
            f"its tables have version {found} and this program knows version {schema.version}; "
            "use the program that wrote it, or a later one"
        )
    if found < min(schema.steps, default=schema.version):
        raise StoreDown(
            f"its tables have version {found}, which was never released; move the database away to begin anew"
        )
    return found


def migrate(cursor: Any, names: str, schema: Schema, bytes_type: str) -> int:
    """Create the tables, or migrate those of an earlier version; return the version that was found.

    The caller's transaction keeps other processes out.
    """
    found = version_of(cursor, names, schema)
    if found is None:
        steps = [*schema.create, f"INSERT INTO {schema.version_table} (version) VALUES ({schema.version})"]
    else:
        steps = [step for version in range(found, schema.version) for step in schema.steps[version]]
        steps.append(f"UPDATE {schema.version_table} SET version = {schema.version}")
    for step in steps:
        cursor.execute(step.format(bytes=bytes_type))
    return schema.version if found is None else found
