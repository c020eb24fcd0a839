"""The accounts in Redis: read, swapped, and put back after a loss."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Sequence

from ...core.changes.after_failover import regained
from ...core.changes.after_restore import after_restore
from ...core.codec import encode
from ...core.events import Event
from ...core.model import Account, SubjectKey, replace
from ...core.summary import STATUSES, summary_of
from ...errors import StoreUnavailable
from ..common.buried_rows import buried_id, may_be_buried
from ..common.documents import account_from, checksum
from . import scripts
from .monitor import number_of
from .names import claim_key, keys_of
from .recent_writes import Lost, RecentWrites, lost
from .roster import line_of
from .session import Session
from .timing import Timing
from .writes import Operation, append_lines, arguments_of, change, history_of, new_operation, tenants_of, whole

log = logging.getLogger("mfa_gate")

_TURNS = 5


class RedisAccounts:
    """Reads and swaps of accounts. Recent commits are put back after a loss (F-3)."""

    def __init__(self, ready: Callable[[], Awaitable[Session]], *, timing: Timing, reads_back: bool) -> None:
        self._ready = ready
        self._reads_back = reads_back
        self._recent_writes: RecentWrites[SubjectKey, Account] = RecentWrites(timing)

    def owe(self) -> None:
        """Forget nothing: the servers may have lost something."""
        self._recent_writes.is_owed = True

    async def regain(self) -> bool:
        """Put back recent changes that Redis has lost. Returns True if all are there again."""
        missing = 0
        for key in self._recent_writes.rows():
            try:
                await self.load(key)
            except StoreUnavailable as error:
                missing += 1
                reason = error
        if missing:
            log.info("changes of %d accounts, which Redis may have lost, cannot be put back yet: %s", missing, reason)
            return False
        self._recent_writes.is_owed = False
        return True

    async def load(self, key: SubjectKey) -> Account:
        """Return the account as last committed on the primary, and put lost changes back first.

        Raises ``StoreUnavailable`` if the lost changes cannot be put back now.
        """
        for _ in range(_TURNS):
            account, missing = await self._look(key)
            if missing is None:
                return account
            if missing.value is None:
                await self._append(key, missing.events)
                return account
            whole_again = regained(account, missing.value, untouched=missing.untouched)
            if await self.swap(whole_again, missing.events, missing):
                _tell(key, missing)
                return replace(whole_again, version=account.version + 1, stamp="")
        raise StoreUnavailable(f"Redis has lost changes of {key}, and others write it now")

    async def _look(self, key: SubjectKey) -> tuple[Account, Lost[Account] | None]:
        """Return the stored account, and the changes that a loss requires to write again (F-3)."""
        session, keys, confirmed = await self._ready(), keys_of(key.tenant), self._recent_writes.of(key)
        newest = session.newest(key.tenant)
        # The account is read before the head, so that the head shows a flush or an older copy that came in between.
        row, (head, number, restored) = await session.ask(
            keys.head,
            ("HMGET", keys.account(key.id), "v", "b", "c", "o", "h"),
            ("HMGET", keys.head, "store", "seq", "restored"),
        )
        session.require_current(key.tenant, number, newest)
        if row[0] is None:
            (row,) = await session.ask(keys.head, ("HMGET", keys.account(buried_id(key)), "v", "b", "c", "o", "h"))
        version, body, check, op, words = row
        if head != session.store_id.encode() and (version is not None or not await session.is_unknown(key.tenant)):
            raise StoreUnavailable(f"Redis has lost a part of tenant {key.tenant!r}: restore it from a copy")
        account = Account(key=key)
        if version is not None:
            account = replace(
                account_from(key, whole(version), body or b"", whole(check)),
                stamp=(op or b"").decode(errors="replace"),
            )
        if restored is not None:
            account = after_restore(account, number_of(restored))
            if confirmed is not None and confirmed.value.restored_at < number_of(restored):
                confirmed = None  # it is older than the copy that an operator accepted
        return account, lost(confirmed, account.version, history_of(version, op, words))

    async def _append(self, key: SubjectKey, events: Sequence[Event]) -> None:
        await append_lines(await self._ready(), key.tenant, events)
        self._recent_writes.has_lines(key)

    async def swap(self, account: Account, events: Sequence[Event], missing: Lost[Account] | None = None) -> bool:
        """Store the account with events of its tenant, if nobody has changed it since.

        ``missing`` holds the lost changes that this swap puts back. Returns False if another writer was faster.
        """
        session, key, keys = await self._ready(), account.key, keys_of(account.key.tenant)
        version, op, body, summary = account.version + 1, new_operation(), encode(account), summary_of(account)
        here, buried = keys.account(key.id), keys.account(buried_id(key))
        if may_be_buried(account):
            await session.run(scripts.MOVE, [buried, here], account.version)
        history = await change(
            session,
            Operation(key.tenant, key.id, op, keys.account(key.id), ("v", "o", "h"), version),
            scripts.SWAP,
            [
                *(keys.head, keys.trail, keys.account(key.id), keys.ids, keys.lines),
                *(keys.status(status) for status in STATUSES),
                *(keys.names, keys.places),
                *keys.indexes(events),
            ],
            *(account.version, version, self._recent_writes.made_by(key, account.version, account.stamp), op),
            *(missing.words if missing else ("", "")),
            *(checksum(key, version, body), body),
            *(key.id, "" if account.is_forgotten else line_of(summary), STATUSES.index(summary.status) + 1),
            *arguments_of(events),
            reads_back=self._reads_back,
        )
        if history is None:
            return False
        if account.is_forgotten:
            await session.run(scripts.MOVE, [here, buried], version)
        self._recent_writes.keep(key, account, version, op, history, events, session.loop.time())
        return True


def _tell(key: SubjectKey, missing: Lost[Account]) -> None:
    log.error(
        "Redis had lost confirmed changes of the account %s (%s): they were put back with %d lines of the trail. "
        "Use ?replicas=1 where a failover must lose nothing",
        key,
        "nobody had written since" if missing.untouched else "others had written since; of both the stricter holds",
        len(missing.events),
    )


async def claim(session: Session, name: str, key: SubjectKey) -> bool:
    """Reserve a name for ``key``. Returns True also if ``key`` has it already."""
    owner = json.dumps([key.tenant, key.id])
    (before,) = await session.ask(claim_key(name), ("SET", claim_key(name), owner, "NX", "GET"), writes=True)
    return before is None or bool(before == owner.encode())


async def release(session: Session, name: str, key: SubjectKey) -> None:
    """Give a name back if it belongs to ``key``."""
    await session.run(scripts.RELEASE, [claim_key(name)], json.dumps([key.tenant, key.id]))


async def keys(session: Session, after: SubjectKey | None, limit: int) -> tuple[SubjectKey, ...]:
    """List the keys of all accounts in order."""
    found: list[SubjectKey] = []
    for tenant in await tenants_of(session):
        if after is not None and tenant < after.tenant:
            continue
        bound = f"({after.id}" if after is not None and tenant == after.tenant else "-"
        names, rest = keys_of(tenant), limit - len(found)
        (ids,) = await session.ask(names.head, ("ZRANGEBYLEX", names.ids, bound, "+", "LIMIT", 0, rest))
        found += [SubjectKey(tenant, id.decode()) for id in ids]
        if len(found) == limit:
            break
    return tuple(found)
