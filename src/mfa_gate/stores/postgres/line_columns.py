"""Columns by which lines are searched, given to a large trail beside workers that write.

An older release goes on meanwhile: a trigger fills the columns of the lines that it writes. Each part can be done again,
so an upgrade that was broken off is simply run again.
"""

from __future__ import annotations

from psycopg import sql

from .connections import Connection
from .schema import FILL, LINE_INDEXES, WIDEN
from .table_locks import patiently
from .url import Place

FILLED_AT_ONCE = 5_000
"""Lines of one transaction."""
SMALL = 5_000
"""Lines up to which a worker upgrades a store by itself at its start."""


async def is_small(connection: Connection, place: Place) -> bool:
    """Tell if the trail has so few lines that all of them are filled in a moment."""
    statement = f"SELECT count(*) FROM (SELECT 1 FROM {place.quoted_schema}.event LIMIT %s) e"
    row = await (await connection.execute(statement, (SMALL + 1,))).fetchone()
    return row is not None and row[0] <= SMALL


async def fill_at_once(connection: Connection, place: Place) -> None:
    """Fill all lines in the caller's transaction, in which nobody else writes one."""
    await drop_broken_indexes(connection, place, how="")
    await connection.execute(";\n".join((*WIDEN, FILL)).replace("{s}", place.quoted_schema))


async def fill_beside_others(connection: Connection, place: Place) -> None:
    """Fill the lines piece by piece, and index them, while others write."""
    await patiently(connection, ";\n".join(WIDEN).replace("{s}", place.quoted_schema))
    table = f"{place.quoted_schema}.event"
    row = await (await connection.execute(f"SELECT coalesce(max(seq), 0) FROM {table}")).fetchone()
    last, at = int(row[0]) if row else 0, 0
    while at < last:
        piece = f"{FILL.replace('{s}', place.quoted_schema)} AND seq > {at} AND seq <= {at + FILLED_AT_ONCE}"
        await patiently(connection, piece)
        at += FILLED_AT_ONCE
    for name, statement in LINE_INDEXES.items():
        await index_beside_others(connection, place, name, statement.replace("{s}", place.quoted_schema))


async def index_beside_others(connection: Connection, place: Place, name: str, statement: str) -> None:
    """Make an index without holding up anybody, unless it is there.

    It waits for the transactions that are open. One that was broken off is made anew.
    """
    await drop_broken_indexes(connection, place, how="CONCURRENTLY")
    found = await (await connection.execute("SELECT to_regclass(%s)", (f"{place.quoted_schema}.{name}",))).fetchone()
    if found is None or found[0] is None:
        await connection.execute(statement.replace("{how}", "CONCURRENTLY"))


async def drop_broken_indexes(connection: Connection, place: Place, *, how: str) -> None:
    """Remove the indexes of the store that were not made to their end."""
    rows = await connection.execute(
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid ="
        " c.relnamespace WHERE n.nspname = %s AND NOT i.indisvalid",
        (place.schema,),
    )
    for (name,) in await rows.fetchall():
        statement = sql.SQL(f"DROP INDEX {how} {{}}").format(sql.Identifier(place.schema, name))
        await connection.execute(statement)
