"""Making and upgrading the tables, and granting them to the role of the application."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator

from psycopg import Error
from psycopg.errors import InsufficientPrivilege

from ...errors import SettingsError
from .connections import Connection, Dialer
from .outcomes import outage
from .schema import SCHEMA, STEPS, TABLES, TRIGRAMS
from .url import Place

_ROLE = re.compile(r"[^\0\"]{1,63}")
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('mfa_gate:' || %s, 0))"
_PATIENT = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"


def how_to(place: Place) -> str:
    """Return the command that makes or upgrades the tables."""
    return f"as the owner of the schema {place.schema}, run: mfa-gate store upgrade"


async def any_server(connection: Connection, system: str, timeline: int) -> None:
    """Take every primary: an operator decides."""


async def upgrade_all(place: Place, *, grant_to: str, insert_only: bool) -> str:
    """Make or upgrade the tables, and grant a role its rights.

    Names are indexed where that is possible.

    Returns what there is now, in words. Raises ``SettingsError`` or ``StoreUnavailable``.
    """
    try:
        connection = await Dialer(place, any_server).dial()
        try:
            before = await upgrade(connection, place)
            indexed = await index_names(connection, place)
            if grant_to:
                await grant(connection, place, grant_to, insert_only=insert_only)
        finally:
            await connection.close()
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

    Raises ``SettingsError`` if the role may not, or if the tables are of a newer release.
    """
    try:
        async with connection.transaction():
            await connection.execute(_PATIENT)
            await connection.execute(_ALONE, (place.schema,))
            version = await version_of(connection, place)
            require_known(version, place)
            if version < SCHEMA:
                await connection.execute(";\n".join(_steps_from(version, place)))
            return version
    except InsufficientPrivilege as error:
        raise SettingsError(
            f"store {place.shown!r}: the role may not make the tables ({' '.join(str(error).split())}): {how_to(place)}"
        ) from error


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


async def index_names(connection: Connection, place: Place) -> bool:
    """Make the index of names, where the extension ``pg_trgm`` is installed.

    Returns True if there is one now.
    """
    if await has_trigrams(connection, place):
        return True
    found = await (
        await connection.execute(
            "SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
            " WHERE e.extname = 'pg_trgm'"
        )
    ).fetchone()
    if found is None:
        return False
    async with connection.transaction():
        await connection.execute(_PATIENT)
        await connection.execute(_ALONE, (place.schema,))
        if not await has_trigrams(connection, place):
            await connection.execute(TRIGRAMS.replace("{s}", place.quoted_schema).replace("{trgm}", found[0]))
    return True


async def has_trigrams(connection: Connection, place: Place) -> bool:
    """Tell if there is an index of searches by a part of a name."""
    name = f"{place.quoted_schema}.roster_search"
    found = await (await connection.execute("SELECT to_regclass(%s) IS NOT NULL", (name,))).fetchone()
    return bool(found and found[0])


async def grant(connection: Connection, place: Place, role: str, *, insert_only: bool) -> None:
    """Give a role exactly what the application needs.

    ``insert_only``: it adds lines to the trail and can neither alter nor remove one. Raises ``SettingsError`` for a name
    that is no role's.
    """
    if not _ROLE.fullmatch(role):
        raise SettingsError(f"{role!r} is no name of a role")
    schema, to = place.quoted_schema, f'TO "{role}"'
    event = "SELECT, INSERT" if insert_only else "SELECT, INSERT, UPDATE, DELETE"
    tables = [table for table in TABLES if table not in ("about", "counter", "trail", "event")]
    statements = [
        f'REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM "{role}"',
        f"GRANT USAGE ON SCHEMA {schema} {to}",
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} {to}",
        f"GRANT SELECT, UPDATE ON {schema}.about, {schema}.counter {to}",
        f"GRANT SELECT, INSERT, UPDATE ON {schema}.trail {to}",
        f"GRANT {event} ON {schema}.event {to}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(f'{schema}.{table}' for table in tables)} {to}",
    ]
    async with connection.transaction():
        await connection.execute(";\n".join(statements))
