"""Rewriting of lines of the trail in Redis.

An entry of a stream cannot be changed, so the stream is copied, a piece at a time, and the copy takes its place at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import StoreUnavailable
from ...storage import Rewrite
from ..common.documents import event_from
from . import scripts
from .names import keys_of
from .session import Session
from .writes import in_tenant, new_operation, whole

COPIED_AT_ONCE = 500
TURNS = 5
KEPT_FOR = 3_600
"""Seconds after which a copy that was never finished goes."""


async def rewrite(session: Session, tenant: str, lines: Sequence[Rewrite]) -> None:
    """Replace the text of stored lines.

    Raises ``StoreUnavailable`` if others rewrite the same trail all the time.
    """
    for _ in range(TURNS):
        if not lines or await _rewritten(session, tenant, lines):
            return
    raise StoreUnavailable(f"others rewrite the trail of tenant {tenant!r} now")


async def _rewritten(session: Session, tenant: str, lines: Sequence[Rewrite]) -> bool:
    """Make a copy with the new texts, and put it in place.

    Returns False if another rewriting was faster.
    """
    keys = keys_of(tenant)
    copy, texts, after = keys.copy(name := new_operation()), keys.copy(f"{name}~texts"), ""
    ((count,),) = await session.ask(keys.head, ("HMGET", keys.head, "rewritten"))
    for start in range(0, len(lines), COPIED_AT_ONCE):
        piece = lines[start : start + COPIED_AT_ONCE]
        pairs = [part for place, before, line in piece for part in (place, f"{before}\n{line}")]
        await session.ask(texts, ("HSET", texts, *pairs), ("EXPIRE", texts, KEPT_FOR), writes=True)
    while True:
        begin = f"({after}" if after else "-"
        found = [keys.head, keys.trail, copy, texts]
        reply = await in_tenant(session, tenant, scripts.COPY, found, begin, COPIED_AT_ONCE, KEPT_FOR)
        last = reply[1].decode()
        if not last:
            break
        after = last
    if not after:
        return True
    moved: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        moved.setdefault(_accounts(tenant, line), []).append(str(line.place))
    moves = {pair: places for pair, places in moved.items() if pair[0] != pair[1]}
    reply = await in_tenant(
        session,
        tenant,
        scripts.TAKE_PLACE,
        [keys.head, keys.trail, copy, texts, *(keys.events_of_account(account) for pair in moves for account in pair)],
        str(whole(count)),
        after,
        *(part for places in moves.values() for part in (str(len(places)), *places)),
    )
    return bool(reply[0] == b"done")


def _accounts(tenant: str, line: Rewrite) -> tuple[str, str]:
    return event_from(tenant, line.place, line.before).account, event_from(tenant, line.place, line.line).account
