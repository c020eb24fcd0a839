"""How a change is written to a tenant, with its events, and whether it is there after all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from ...core.events import Event
from ...core.trail import digest_of, event_to_json
from ...errors import StoreUnavailable
from .names import STORE, TENANTS, TenantKeys
from .resp import Reply
from .scripts import Script
from .session import Session

_READ_BACK_WITHIN = 0.3


@dataclass(frozen=True, slots=True)
class Operation:
    """One change: whose (``id`` None: the tenant's settings), its own name, and where it can be seen that it was done."""

    tenant: str
    id: str | None
    op: str
    row: str
    fields: tuple[str, str]
    version: int


async def in_tenant(
    session: Session, tenant: str, script: Script, keys: Sequence[str], *arguments: str | bytes | int
) -> Reply:
    """What the script answers; a tenant that was never written is made known first, and nothing is written to one that is not
    in the list of all."""
    await session.make_listed(tenant)
    reply = await session.run(script, keys, session.store_id, *arguments)
    if reply[0] == b"gone":
        await session.enter(tenant)
        reply = await session.run(script, keys, session.store_id, *arguments)
    if reply[0] == b"gone":
        raise StoreUnavailable(f"Redis has lost the accounts of tenant {tenant!r}")
    return reply


async def landed(session: Session, change: Operation) -> bool:
    """Whether a change without an answer is there after all; it is looked up, never done again (F-7)."""
    try:
        async with asyncio.timeout(_READ_BACK_WITHIN):
            ((version, op),) = await session.ask(TenantKeys(change.tenant).head, ("HMGET", change.row, *change.fields))
    except (StoreUnavailable, TimeoutError):
        return False
    return bool((version, op) == (str(change.version).encode(), change.op.encode()))


async def tenants_of(session: Session) -> list[str]:
    found, names = await session.ask(STORE, ("GET", STORE), ("SMEMBERS", TENANTS))
    if found != session.store_id.encode():
        raise StoreUnavailable("Redis holds no longer the store that was opened")
    return sorted(name.decode() for name in names)


def arguments_of(events: Sequence[Event]) -> list[str]:
    arguments: list[str] = []
    for event in events:
        line = event_to_json(event)
        arguments += ["1" if event.account else "0", event.kind, line, digest_of(line)]
    return arguments
