"""The accounts and claims in PostgreSQL."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Sequence

from ...core.changes.after_restore import after_restore
from ...core.codec import encode
from ...core.events import GRAVE, Event
from ...core.model import Account, SubjectKey, replace
from ...core.summary import summary_of
from ...errors import StoreUnavailable
from ..common.buried_rows import buried_id, may_be_buried
from ..common.documents import account_from, checksum
from .batches import Batches
from .monitor import GONE, State
from .outcomes import OutcomeUnknown
from .session import Row, Session
from .trail import to_lines
from .writer import Swap, Writer

_OWN_KEPT = 10_000
_LOADS_AT_ONCE = 2


class OwnOperations:
    """The latest operations of this process, by account: bounded.

    A version's number can come again after a failover, an operation's name never does. So a swap names the operation that
    made its version.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[object, tuple[int, str]] = OrderedDict()

    def keep(self, row: object, version: int, op: str) -> None:
        """Remember that ``op`` made the version of a row."""
        self._kept.pop(row, None)
        self._kept[row] = version, op
        if len(self._kept) > _OWN_KEPT:
            self._kept.popitem(last=False)

    def before(self, row: object, version: int, stamp: str) -> str:
        """Return the operation that made the version, "" if it is not known.

        It is the one that was read (``stamp``) or committed here.
        """
        known, op = self._kept.get(row, (0, ""))
        return stamp or (op if known == version else "")


class Loader:
    """The loads of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._batches: Batches[SubjectKey, Row] = Batches(self._read, lanes=_LOADS_AT_ONCE)

    async def load(self, key: SubjectKey) -> Account:
        """Return the account as last committed on the primary.

        The store's id and number are read with it: they show an emptied database or an older copy at once.
        """
        session = self._session
        session.require_sound()
        restored_at, version, op, body, check = await self._batches.ask(key, within=session.timing.answer_within)
        session.require_sound()
        if version is None:
            return Account(key=key)
        account = replace(account_from(key, version, body, check), stamp=op)
        return after_restore(account, restored_at) if restored_at else account

    async def _read(self, keys: Sequence[SubjectKey]) -> list[Row | Exception]:
        session, newest = self._session, self._session.watch.newest
        schema = session.schema
        rows = await session.rows(
            "SELECT b.store, b.version, b.restored_at, c.changes, current_setting('synchronous_commit'),"
            f" row_security_active('{schema}.account'::regclass), a.version, a.op, a.body, a.checksum"
            f" FROM (SELECT * FROM {schema}.about LIMIT 1) b CROSS JOIN (SELECT * FROM {schema}.counter LIMIT 1) c"
            " CROSS JOIN unnest(%b::text[], %b::text[], %b::text[]) WITH ORDINALITY AS k(tenant, id, buried, place)"
            # Key by key, by the index: a planner that knows the table little would read all of it.
            f" LEFT JOIN LATERAL (SELECT * FROM {schema}.account o WHERE o.tenant = k.tenant"
            " AND o.id = ANY (ARRAY[k.id, k.buried]) ORDER BY o.id = k.id DESC LIMIT 1) a ON true ORDER BY k.place",
            ([key.tenant for key in keys], [key.id for key in keys], [buried_id(key) for key in keys]),
        )
        if not rows:
            raise StoreUnavailable(GONE)
        session.watch.see(State(*rows[0][:6]), newest)
        return [(row[2], *row[6:]) for row in rows]


async def swap(session: Session, writer: Writer, own: OwnOperations, account: Account, events: Sequence[Event]) -> bool:
    """Store the account with all that commits with it, if its version is still the stored one."""
    key, version, op, body = account.key, account.version + 1, secrets.token_hex(6), encode(account)
    change = Swap(
        account,
        own.before(key, account.version, account.stamp),
        op,
        checksum(key, version, body),
        body,
        None if account.is_forgotten else summary_of(account),
        to_lines(events),
    )
    if may_be_buried(account):
        await _move(session, key, buried_id(key), key.id, account.version)
    try:
        number = await writer.swap(change)
        if not number:
            return False
    except OutcomeUnknown as unknown:
        statement = (
            f"SELECT a.version, a.op, c.changes FROM {session.schema}.account a, {session.schema}.counter c"
            " WHERE a.tenant = %s AND a.id = %s"
        )
        number = (await session.landed(unknown, statement, (key.tenant, key.id), (version, op)))[2]
    if account.is_forgotten:
        await _move(session, key, key.id, buried_id(key), version)
    own.keep(key, version, op)
    session.committed(number)
    session.invalidation.confirm(key, op)
    if account.lock is not None or any(event.kind in GRAVE for event in events):
        await session.watch.keep(is_grave=True)
    return True


async def _move(session: Session, key: SubjectKey, before: str, after: str, version: int) -> None:
    """Give the row of an account another id, if it has this version.

    A row of an earlier person that lies there is replaced.
    """
    table = f"{session.schema}.account"
    found = f"SELECT 1 FROM {table} WHERE tenant = %s AND id = %s AND version = %s"
    await session.call(
        f"DELETE FROM {table} WHERE tenant = %s AND id = %s AND EXISTS ({found})",
        (key.tenant, after, key.tenant, before, version),
    )
    await session.call(
        f"UPDATE {table} SET id = %s WHERE tenant = %s AND id = %s AND version = %s",
        (after, key.tenant, before, version),
    )


async def claim(session: Session, name: str, key: SubjectKey) -> bool:
    """Reserve a name for ``key``. Returns True also if ``key`` has it already."""
    return bool(await session.call(f"SELECT {session.schema}.claim_1(%s, %s, %s)", (name, key.tenant, key.id)))


async def release(session: Session, name: str, key: SubjectKey) -> None:
    """Give a name back if it belongs to ``key``."""
    statement = f"DELETE FROM {session.schema}.claim WHERE name = %s AND tenant = %s AND id = %s"
    await session.call(statement, (name, key.tenant, key.id))


async def keys(session: Session, after: SubjectKey | None, limit: int) -> tuple[SubjectKey, ...]:
    """List the keys of all accounts in order, without those of forgotten people."""
    statement = (
        f"SELECT tenant, id FROM {session.schema}.roster WHERE (tenant, id) > (%s, %s) ORDER BY tenant, id LIMIT %s"
    )
    values = ("", "", limit) if after is None else (after.tenant, after.id, limit)
    return tuple(SubjectKey(tenant, id) for tenant, id in await session.rows(statement, values, is_list=True))
