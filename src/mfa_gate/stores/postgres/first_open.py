"""Check that a process may start on this PostgreSQL database.

The first start makes the store.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from ...errors import SettingsError, StoreMissing
from .connections import Connection
from .monitor import State, fault_of_commits
from .rights import missing_rights
from .schema import SCHEMA, TABLES
from .upgrade import has_trigrams, how_to, index_names, require_known, upgrade, version_of
from .url import Place

log = logging.getLogger("mfa_gate")

OLDEST = 14
_SETTINGS = ("server_encoding", "synchronous_commit", "fsync", "synchronous_standby_names", "client_min_messages")
_MADE = (
    "PostgreSQL held no store at %s: a new, empty one was made, in which nobody is enrolled. If people were enrolled here "
    "before, stop every worker now, and put the newest copy back or correct the URL%s"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A store that may be used.

    ``advice`` are faults that stop nothing.
    """

    state: State
    has_trigrams: bool
    advice: tuple[str, ...]


async def prepare(connection: Connection, place: Place, *, make: bool) -> Found:
    """Check server and tables.

    Make the store if there is none and ``make`` is True; upgrade it if the role may.

    Raises ``SettingsError`` if starting would be wrong, and ``StoreMissing`` if there is no store and ``make`` is False.
    """
    settings = await _settings_of(connection)
    if faults := _faults_of(connection, settings, place):
        raise SettingsError([f"store {place.shown!r}: {fault}" for fault in faults])
    version = await version_of(connection, place)
    if version == 0:
        await _make(connection, place, make=make)
    require_known(version, place)
    if 0 < version < SCHEMA:
        await upgrade(connection, place)
    if (state := await read_state(connection, place)) is None:
        raise SettingsError(_parts(place, "about, whose counter is empty"))
    missing = await missing_rights(connection, place)
    if make and missing:
        raise SettingsError(f"store {place.shown!r}: {missing}")
    indexed = await has_trigrams(connection, place)
    advice = (*filter(None, (missing,)), *_advice(settings, indexed=indexed))
    return Found(state, indexed, advice)


async def read_state(connection: Connection, place: Place) -> State | None:
    """Ask for the store's state.

    Returns None if the table of its id, or that of its changes, is empty: the store is gone.
    """
    schema = place.quoted_schema
    row = await (
        await connection.execute(
            "SELECT b.store, b.version, b.restored_at, c.changes, current_setting('synchronous_commit'),"
            " (SELECT coalesce(bool_or(row_security_active(to_regclass(t))), false) FROM pg_catalog.unnest(%s::text[]) t)"
            f" FROM (SELECT * FROM {schema}.about LIMIT 1) b CROSS JOIN (SELECT * FROM {schema}.counter LIMIT 1) c",
            ([f"{schema}.{table}" for table in TABLES],),
        )
    ).fetchone()
    return None if row is None else State(*row)


async def _settings_of(connection: Connection) -> dict[str, str]:
    rows = await connection.execute(
        "SELECT n, current_setting(n) FROM pg_catalog.unnest(%s::text[]) n", (list(_SETTINGS),)
    )
    return {name: value async for name, value in rows}


def _faults_of(connection: Connection, settings: dict[str, str], place: Place) -> list[str]:
    faults: list[str] = []
    version = connection.info.server_version
    if version < OLDEST * 10_000:
        faults.append(f"PostgreSQL {version // 10_000} is too old: {OLDEST} or newer is needed")
    if settings["server_encoding"] != "UTF8":
        faults.append(
            f"the database holds text as {settings['server_encoding']}, in which names of people get lost: make one with "
            "CREATE DATABASE … ENCODING 'UTF8'"
        )
    if place.durable and (fault := fault_of_commits(settings["synchronous_commit"])):
        faults.append(fault)
    if settings["client_min_messages"] == "error":  # behind a pooler, where a session cannot set it
        faults.append(
            "the role hears no warnings, by which alone PostgreSQL tells that a commit may be lost: ALTER ROLE … SET "
            "client_min_messages = warning"
        )
    return faults


async def _make(connection: Connection, place: Place, *, make: bool) -> None:
    """Make a store where there is none, and log a warning: a store may be lost (F-6, F-8)."""
    if remains := await _remains(connection, place):
        raise SettingsError(_parts(place, remains))
    others = await _other_schemas(connection, place)
    if not make:
        raise StoreMissing(f"store {place.shown!r}", others)
    if await upgrade(connection, place) == 0:
        log.warning(_MADE, place.shown, others)
        await index_names(connection, place, is_new=True)


def _parts(place: Place, remains: str) -> str:
    return (
        f"store {place.shown!r}: the schema {place.schema} holds parts of a store ({remains}) but not the store itself. An "
        "empty store means that everybody is unenrolled: put the newest copy back, or drop the schema to begin anew"
    )


async def _remains(connection: Connection, place: Place) -> str:
    row = await (
        await connection.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relname = ANY(%s) AND c.relkind = 'r' ORDER BY 1 LIMIT 1",
            (place.schema, list(TABLES)),
        )
    ).fetchone()
    return "" if row is None else str(row[0])


async def _other_schemas(connection: Connection, place: Place) -> str:
    """Name the other schemas of this database that look like a store."""
    rows = await connection.execute(
        "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relname IN ('about', 'counter', 'roster') AND c.relkind = 'r' AND n.nspname <> %s"
        " GROUP BY 1 HAVING count(*) = 3 ORDER BY 1 LIMIT 5",
        (place.schema,),
    )
    return "".join([f"; the schema {row[0]} of this database holds a store" async for row in rows])


def _advice(settings: dict[str, str], *, indexed: bool) -> tuple[str, ...]:
    advice = []
    if settings["fsync"] != "on":
        advice.append("PostgreSQL runs with fsync=off: a power cut loses locks and enrollments, or the whole database")
    if not settings["synchronous_standby_names"]:
        advice.append(
            "no standby confirms a commit (synchronous_standby_names is empty): a failover would lose the changes of its last "
            "moment, locks among them"
        )
    if not indexed:
        advice.append(
            "a search by a part of a name looks at everybody: CREATE EXTENSION pg_trgm, then run: mfa-gate store upgrade"
        )
    return tuple(advice)


__all__ = ["Found", "how_to", "prepare", "read_state"]
