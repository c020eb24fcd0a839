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
from .names import STORE, TENANTS, TenantKeys, keys_of
from .resp import Reply
from .scripts import Script
from .session import Session

_READ_BACK_WITHIN = 0.3
_BUCKETS_AT_ONCE = 32
_PARTED = dict.fromkeys(range(3), " ")
"""What parts the records of the index of names stands in no name."""
_MOST_NAMED = 20_000
_LINES_AT_ONCE = 500


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


async def find_by_name(session: Session, tenant: str, word: str) -> list[bytes] | None:
    """The ids in whose id or name ``word`` is, in order; None where the index does not have everybody, or far too many are
    found to be sorted here."""
    keys, found = keys_of(tenant), list[bytes]()
    if not word or any(mark in word for mark in "\0\1\2"):
        return None
    ((named,), known) = await session.ask(keys.head, ("HMGET", keys.head, "named"), ("ZCARD", keys.ids))
    if int(named or 0) != known:
        return None
    for bucket in range(0, 256, _BUCKETS_AT_ONCE):
        arguments = (session.store_id, word, bucket, bucket + _BUCKETS_AT_ONCE - 1)
        reply = await session.run(scripts.NAMED, [keys.head, keys.names], *arguments, writes=False)
        found += reply[1:] if reply[0] == b"done" else []
        if len(found) > _MOST_NAMED:
            return None
    return sorted(found)


async def summaries_of(
    session: Session, tenant: str, ids: Sequence[bytes], *, status: str, limit: int
) -> list[Summary]:
    """The summaries of these ids, in their order, up to ``limit``."""
    keys, found = keys_of(tenant), list[Summary]()
    for start in range(0, len(ids), _LINES_AT_ONCE):
        piece = ids[start : start + _LINES_AT_ONCE]
        (lines,) = await session.ask(keys.head, ("HMGET", keys.lines, *piece))
        read = [summary_from(tenant, id, line) for id, line in zip(piece, lines, strict=True) if line is not None]
        found += [summary for summary in read if not status or summary.status == status]
        if len(found) >= limit:
            break
    return found[:limit]


def arguments_of(events: Sequence[Event]) -> list[str]:
    arguments: list[str] = []
    for event in events:
        line = event_to_json(event)
        arguments += ["1" if event.account else "0", event.kind, line, digest_of(line)]
    return arguments


def line_of(summary: Summary) -> str:
    """JSON (ASCII, one line), then what is searched."""
    parts = [summary.name, summary.status, summary.factors, summary.locked_at, summary.last_proof_at]
    return json.dumps(parts) + "\n" + search_text(summary).translate(_PARTED)


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
