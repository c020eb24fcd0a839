"""The tenants' settings in PostgreSQL."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

from ...core.events import Event
from ...core.rules import TenantSettings
from ...core.settings_codec import settings_from, settings_to
from ...errors import StoreUnavailable
from .accounts import OwnOperations
from .connections import Connection
from .monitor import GONE
from .outcomes import Contention, OutcomeUnknown
from .session import CHANNEL, Session
from .trail import LINE_PARTS, arguments_of, to_lines


async def load(session: Session, tenant: str) -> TenantSettings:
    """Return the tenant's settings."""
    statement = f"SELECT version, op, body FROM {session.schema}.tenant WHERE tenant = %s"
    row = await session.row(statement, (tenant,))
    if row is None:
        return TenantSettings(tenant=tenant)
    version, op, body = row
    return replace(settings_from(tenant, version, body), stamp=op)


async def swap(session: Session, own: OwnOperations, chosen: TenantSettings, events: Sequence[Event]) -> bool:
    """Store the settings as ``accounts.swap`` stores an account."""
    tenant, version, op = chosen.tenant, chosen.version + 1, secrets.token_hex(6)
    statement = f"SELECT {session.schema}.swap_settings_2(%s, %s, %s, %s::bigint, %s, %s, %s, {LINE_PARTS})"
    values = (
        *(session.store_id, CHANNEL + session.store_id, tenant, chosen.version),
        *(own.before(tenant, chosen.version, chosen.stamp), op, settings_to(chosen)),
        *arguments_of(to_lines(events)),
    )

    async def work(connection: Connection) -> int | None:
        row = await (await connection.execute(statement, values)).fetchone()
        found: int | None = None if row is None else row[0]
        return found

    try:
        number = await session.swap(work)
    except Contention:
        return False
    except OutcomeUnknown as unknown:
        asked = (
            f"SELECT t.version, t.op, c.changes FROM {session.schema}.tenant t, {session.schema}.counter c"
            " WHERE t.tenant = %s"
        )
        number = (await session.landed(unknown, asked, (tenant,), (version, op)))[2]
    if number is None:
        raise StoreUnavailable(GONE)
    if number == 0:
        return False
    own.keep(tenant, version, op)
    session.committed(number)
    session.invalidation.confirm(None, op)
    await session.watch.keep(is_grave=True)
    return True
