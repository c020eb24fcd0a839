"""Writes of a tenant's changes with their events.

If no reply comes, the row tells whether the change was written.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from ...core.events import Event
from ...core.model import SubjectKey
from ...core.trail import event_to_json, own_digest
from ...errors import StoreUnavailable
from . import scripts
from .history import History
from .monitor import fault_of_id
from .names import STORE, TENANTS, TenantKeys, keys_of
from .pipeline import OutcomeUnknown
from .resp import Reply
from .scripts import Script
from .session import Session

_READ_BACK_WITHIN = 0.3
_READ_BACK_BEFORE = 0.6
"""Seconds; together a call answers within one (F-1)."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One change: its owner, its own name, and the row that shows that it was done.

    ``id`` is the account's, or None for the tenant's settings. ``fields`` are the row's fields for version, operation and
    history.
    """

    tenant: str
    id: str | None
    op: str
    row: str
    fields: tuple[str, str, str]
    version: int


def new_operation() -> str:
    """Make a unique name for an operation."""
    return secrets.token_hex(6)


async def change(
    session: Session,
    operation: Operation,
    script: Script,
    keys: Sequence[str],
    *arguments: str | bytes | int,
    reads_back: bool,
) -> str | None:
    """Run a swap script. Returns the row's history afterwards.

    Returns None if another writer was faster. If no reply came, ``reads_back`` looks whether the change is there. It is never
    done a second time (F-7).
    """
    began = session.loop.time()
    payload = json.dumps([operation.tenant, operation.id, operation.op])
    try:
        reply = await in_tenant(session, operation.tenant, script, keys, session.invalidation.name, payload, *arguments)
        history = reply[1].decode() if reply[0] == b"done" else None
    except OutcomeUnknown:
        if not reads_back or session.loop.time() > began + _READ_BACK_BEFORE:
            raise
        history = await landed(session, operation)
        if history is None:
            raise
    if history is not None:
        key = None if operation.id is None else SubjectKey(operation.tenant, operation.id)
        session.invalidation.confirm(key, operation.op)
    return history


async def in_tenant(
    session: Session, tenant: str, script: Script, keys: Sequence[str], *arguments: str | bytes | int
) -> Reply:
    """Run a script in a tenant and return its reply.

    A new tenant is registered first. A tenant that is not in the list of all tenants is added to it before the script runs.
    Raises ``StoreUnavailable`` if the tenant's accounts are lost.
    """
    await session.make_listed(tenant)
    reply = await session.run(script, keys, session.store_id, *arguments)
    if reply[0] == b"gone":
        await session.enter(tenant)
        reply = await session.run(script, keys, session.store_id, *arguments)
    if reply[0] == b"gone":
        raise StoreUnavailable(f"Redis has lost the accounts of tenant {tenant!r}: restore them from a copy")
    return reply


async def append_lines(session: Session, tenant: str, events: Sequence[Event]) -> None:
    """Write lines of a tenant's trail that belong to no change, in one script."""
    keys = keys_of(tenant)
    await in_tenant(
        session, tenant, scripts.APPEND, [keys.head, keys.trail, *keys.indexes(events)], *arguments_of(events)
    )


async def landed(session: Session, operation: Operation) -> str | None:
    """Return the row's history if the operation is in it, else None."""
    try:
        async with asyncio.timeout(_READ_BACK_WITHIN):
            head, fields = TenantKeys(operation.tenant).head, operation.fields
            ((version, op, words),) = await session.ask(head, ("HMGET", operation.row, *fields))
    except (StoreUnavailable, TimeoutError):
        return None
    history = history_of(version, op, words)
    return history.text if operation.op in history else None


def history_of(version: bytes | None, op: bytes | None, words: bytes | None) -> History:
    """Return a row's history.

    A row without one gets a history that begins with its operation.
    """
    known = History((words or b"").decode(errors="replace"))
    if version is None or known.version == whole(version):
        return known
    return History(f"{whole(version)} {(op or b'').decode(errors='replace')}")


def whole(reply: bytes | None) -> int:
    """Read a stored version; 0 if there is none.

    Raises ``StoreUnavailable`` for anything else.
    """
    if reply is None:
        return 0
    if not reply.isdigit():
        raise StoreUnavailable("a row in Redis is damaged (its version is no number): restore it from a copy")
    return int(reply)


async def tenants_of(session: Session) -> list[str]:
    found, names = await session.ask(STORE, ("GET", STORE), ("SMEMBERS", TENANTS))
    if found != session.store_id.encode():
        raise StoreUnavailable(fault_of_id(found))
    return sorted(name.decode() for name in names)


def arguments_of(events: Sequence[Event]) -> list[str]:
    arguments: list[str] = []
    for event in events:
        line = event_to_json(event)
        arguments += ["1" if event.account else "0", event.kind, line, own_digest(event, line)]
    return arguments
