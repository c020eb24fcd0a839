"""Making and upgrading the tables, and granting them to the role of the application."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from psycopg import Error
from psycopg.errors import InsufficientPrivilege

from ...errors import SettingsError
from .connections import Connection, Dialer
from .line_columns import fill_at_once, fill_beside_others, index_beside_others, is_small
from .outcomes import outage
from .rights import grant
from .schema import FILLED_SINCE, SCHEMA, STEPS, TRIGRAMS
from .table_locks import alone, patiently
from .url import Place

_PATIENT = "SET statement_timeout = 0; SET lock_timeout = 0"


def how_to(place: Place) -> str:
    """Return the command that makes or upgrades the tables."""
    return f"as the owner of the schema {place.schema}, run: mfa-gate store upgrade"


async def any_server(connection: Connection, system: str, timeline: int) -> None:
    """Take every primary: an operator decides."""


async def upgrade_all(place: Place, *, grant_to: str, insert_only: bool) -> str:
    """Make or upgrade the tables, and grant a role its rights.

    Names are indexed where that is possible. Workers of the release before go on until the last moment.

    Returns what there is now, in words. Raises ``SettingsError`` or ``StoreUnavailable``.
    """
    dialer = Dialer(place, any_server)
    try:
        async with await dialer.dial() as guard, await dialer.dial() as connection, alone(guard, place):
            if not dialer.is_pooled:
                await connection.execute(_PATIENT)
            before = await _version_known(connection, place)
            if 0 < before < FILLED_SINCE:
                await fill_beside_others(connection, place)
            if before < SCHEMA:
                await patiently(connection, ";\n".join(_steps_from(before, place)))
            indexed = await index_names(connection, place)
            if grant_to:
                await grant(connection, place, grant_to, insert_only=insert_only)
    except InsufficientPrivilege as error:
        raise SettingsError(
            f"store {place.shown!r}: {' '.join(str(error).split())}: run it as the owner of the schema"
        ) from error
    except (Error, OSError) as error:
        raise outage(error) from error
    made = {0: "made", SCHEMA: "up to date"}.get(before, f"upgraded from version {before}")
    text = f"schema {place.schema}: {made}, version {SCHEMA}; names are {'indexed' if indexed else 'not indexed (pg_trgm)'}"
    return (
        f"{text}; {grant_to} may use it" + (", and only add to the trail" if insert_only else "") if grant_to else text
    )


async def version_of(connection: Connection, place: Place) -> int:
    """Return the version of the tables; 0 where there are none."""
    found = await (await connection.execute("SELECT to_regclass(%s)", (f"{place.quoted_schema}.about",))).fetchone()
    if found is None or found[0] is None:
        return 0
    row = await (await connection.execute(f"SELECT version FROM {place.quoted_schema}.about")).fetchone()
    return 0 if row is None else int(row[0])


async def upgrade(connection: Connection, place: Place) -> int:
    """Take the steps that are missing, in one transaction. Returns the version from before.

    It is for a worker that starts. Raises ``SettingsError`` if the role may not, if the tables are of a newer release, or
    if it would take long.
    """
    try:
        async with alone(connection, place):
            version = await _version_known(connection, place)
            if 0 < version < FILLED_SINCE:
                if not await is_small(connection, place):
                    raise SettingsError(
                        f"store {place.shown!r} has schema {version}, and so many lines in its trail that an upgrade to schema "
                        f"{SCHEMA} takes a while: {how_to(place)}. Workers of the release before go on meanwhile"
                    )
                await fill_at_once(connection, place)
            if version < SCHEMA:
                await connection.execute(";\n".join(_steps_from(version, place)))
            return version
    except InsufficientPrivilege as error:
        raise SettingsError(
            f"store {place.shown!r}: the role may not make the tables ({' '.join(str(error).split())}): {how_to(place)}"
        ) from error


async def _version_known(connection: Connection, place: Place) -> int:
    version = await version_of(connection, place)
    require_known(version, place)
    return version


def require_known(version: int, place: Place) -> None:
    """Raise ``SettingsError`` for tables of a newer release (F-8, F-20)."""
    if version > SCHEMA:
        raise SettingsError(
            f"store {place.shown!r} has schema {version}, this release knows {SCHEMA}: install the release that wrote it, or "
            "restore the copy from before the upgrade"
        )


def _steps_from(version: int, place: Place) -> Iterator[str]:
    schema = place.quoted_schema
    if version == 0:
        yield f"CREATE SCHEMA IF NOT EXISTS {schema}"
    for number in range(version, SCHEMA):
        for statement in STEPS[number]:
            yield statement.replace("{s}", schema)
    if version == 0:
        yield f"INSERT INTO {schema}.about (store, version) VALUES ('{secrets.token_hex(16)}', {SCHEMA})"
    else:
        yield f"UPDATE {schema}.about SET version = {SCHEMA}"


async def index_names(connection: Connection, place: Place, *, is_new: bool = False) -> bool:
    """Make the index of names, where the extension ``pg_trgm`` is installed.

    ``is_new``: nobody is in the store yet, so it is made at once. Returns True if there is one now.
    """
    if await has_trigrams(connection, place):
        return True
    found = await (
        await connection.execute(
            "SELECT pg_catalog.quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
            " WHERE e.extname = 'pg_trgm'"
        )
    ).fetchone()
    if found is None:
        return False
    statement = TRIGRAMS.replace("{s}", place.quoted_schema).replace("{trgm}", found[0])
    if is_new:
        await connection.execute(statement.replace("{how}", "IF NOT EXISTS"))
    else:
        await index_beside_others(connection, place, "roster_search", statement)
    return True


async def has_trigrams(connection: Connection, place: Place) -> bool:
    """Tell if there is an index of searches by a part of a name."""
    name = f"{place.quoted_schema}.roster_search"
    found = await (
        await connection.execute("SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s) AND indisvalid", (name,))
    ).fetchone()
    return found is not None
