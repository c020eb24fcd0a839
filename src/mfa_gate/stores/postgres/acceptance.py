"""Acceptance of an older copy in PostgreSQL by an operator (F-38, S-123)."""

from __future__ import annotations

import json
import secrets

from psycopg import Error

from ...errors import SettingsError
from ..common.generation_file import GenerationFile
from .connections import Connection, Dialer, deadline
from .first_open import read_state
from .outcomes import outage
from .session import CHANNEL
from .upgrade import any_server, version_of
from .url import Place


async def accept(place: Place, generation_file: GenerationFile | None) -> None:
    """Accept the data that PostgreSQL holds now as the store.

    The time of the acceptance, by the server's clock, is read with every account from then on. Workers and marker files
    stop refusing. Raises ``SettingsError`` if there is no store or another one.
    """
    try:
        connection = await Dialer(place, any_server).dial()
        try:
            async with deadline(connection, place.timing.start_within):
                await _accept(connection, place, generation_file)
        finally:
            await connection.close()
    except (Error, OSError) as error:
        raise outage(error) from error


async def _accept(connection: Connection, place: Place, generation_file: GenerationFile | None) -> None:
    state = await read_state(connection, place) if await version_of(connection, place) else None
    store = "" if state is None else state.store
    if generation_file is not None:
        generation_file.require(store)
    if not store:
        raise SettingsError(
            f"store {place.shown!r}: PostgreSQL holds no store: put a copy in place first, or start the app to begin anew"
        )
    schema = place.quoted_schema
    async with connection.transaction():
        await connection.execute(
            f"UPDATE {schema}.about SET restored_at ="
            " greatest(restored_at + 1, extract(epoch FROM clock_timestamp())::bigint)"
        )
        row = await (
            await connection.execute(f"UPDATE {schema}.counter SET changes = changes + 1 RETURNING changes")
        ).fetchone()
        notice = json.dumps([row[0] if row else 0, None, None, secrets.token_hex(6)])
        await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL + store, notice))
