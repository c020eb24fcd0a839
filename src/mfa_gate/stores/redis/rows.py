"""What the Redis store writes and reads in several of its methods: lines, events, tenants, and whether a change is there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass

from ...core.events import Event
from ...core.model import SubjectKey
from ...core.summary import Summary
from ...core.trail import digest_of, event_to_json
from ...errors import StoreUnavailable
from ..documents import search_text
from . import scripts
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
    """What the script answers; a tenant that was never written is made known first."""
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


async def find_events(
    session: Session, tenant: str, *, account: str, kind: str, bound: str, limit: int
) -> list[tuple[int, str, bytes]]:
    keys = TenantKeys(tenant)
    index = [keys.events_of_account(account)] if account else [keys.events_of_kind(kind)] if kind else []
    arguments = (session.store_id, bound, limit, kind if account else "")
    reply = await session.run(scripts.EVENTS, [keys.head, keys.trail, *index], *arguments, writes=False)
    if reply[0] == b"gone":
        await session.is_unknown(tenant)
        return []
    return [(int(stamp), tenant, line) for stamp, line in zip(reply[1::2], reply[2::2], strict=True)]


def arguments_of(events: Sequence[Event]) -> list[str]:
    arguments: list[str] = []
    for event in events:
        line = event_to_json(event)
        arguments += ["1" if event.account else "0", event.kind, line, digest_of(line)]
    return arguments


def line_of(summary: Summary) -> str:
    """JSON (ASCII, one line), then what is searched."""
    parts = [summary.name, summary.status, summary.factors, summary.locked_at, summary.last_proof_at]
    return json.dumps(parts) + "\n" + search_text(summary)


def summary_from(tenant: str, id: bytes, line: bytes) -> Summary:
    try:
        name, status, factors, locked_at, last_proof_at = json.loads(line.partition(b"\n")[0])
    except ValueError as error:
        raise StoreUnavailable("a line of the roster in Redis is damaged") from error
    return Summary(
        key=SubjectKey(tenant, id.decode()),
        name=name,
        status=status,
        factors=tuple(factors),
        locked_at=locked_at,
        last_proof_at=last_proof_at,
    )
