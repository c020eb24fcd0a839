"""Accounts whose record cannot be read. One is begun anew without touching any other."""

from __future__ import annotations

from ...core.events import Moment
from ...core.model import Account, Lock, SubjectKey
from ...core.reasons import Refusal
from ...core.text_safety import stated
from ...errors import DamagedAccount, NewerAccount, StoreContention
from ..accounts import Engine

MAX_TURNS = 50


async def discard(engine: Engine, moment: Moment, key: SubjectKey, *, ticket: str, reason: str) -> Refusal | None:
    """Replace an account that cannot be read by an empty one, with a line in the trail.

    The factors, backup codes and attempts of the old record are gone. If the roster shows a lock, the new account is
    locked as well, until an administrator unlocks it. An account that can be read is refused, and so is one that a newer
    release can read.
    """
    if not stated(reason) or not stated(ticket):
        return Refusal(reason="malformed", member="ticket" if stated(reason) else "reason")
    for _ in range(MAX_TURNS):
        try:
            account = await engine.store.load(key)
        except NewerAccount:
            return Refusal(
                reason="not_allowed",
                detail="A newer release wrote this account: start that release, which can read it.",
            )
        except DamagedAccount as error:
            version = error.version
        else:
            if not account.version:
                return Refusal(reason="not_found")
            return Refusal(reason="not_allowed", detail="This account can be read: reset it without discarding it.")
        event = moment.event(
            "account.reset", key, reason=stated(reason), ticket=stated(ticket), discarded="unreadable record"
        )
        was_locked = await _is_locked(engine, key)
        lock = Lock(at=moment.now, cause="administrator", ref=event.id, actor=moment.actor) if was_locked else None
        fresh = Account(
            key=key, version=version, seen_at=moment.now, epoch=version + 1, lock=lock, logins_from=moment.now
        )
        if await engine.store.swap(fresh, engine.chained((event,))):
            await engine.effects.follow((event,), fresh)
            return None
    raise StoreContention(f"the account of one subject changed {MAX_TURNS} times meanwhile")


async def _is_locked(engine: Engine, key: SubjectKey) -> bool:
    """Ask the roster, which is kept beside the record, if the account is locked."""
    after = ""
    while True:
        page = await engine.store.page(key.tenant, status="locked", query=key.id, after=after, limit=200)
        if any(summary.key == key for summary in page.items):
            return True
        after = page.next
        if not after:
            return False
