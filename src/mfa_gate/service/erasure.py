"""The erasure of a person: the account, the places beside it, the trail."""

from __future__ import annotations

from ..core.changes import Change
from ..core.changes.life import forget, rename_hand
from ..core.events import Moment
from ..core.model import Account, SubjectKey
from ..errors import DamagedAccount
from .accounts import Engine
from .kept_forms import drop_forms
from .lookalikes import fold_of
from .report_archive import erase_from_report
from .trail_erasure import erase_from_trail, lines_naming

ENROLLED = "factor.enrolled"
"""The kind of event that no act of an administrator makes."""


async def empty_damaged(
    engine: Engine, key: SubjectKey, error: DamagedAccount, moment: Moment, *, pseudonym: str, reason: str = ""
) -> Change[str]:
    """Empty an account whose record cannot be read.

    Raises ``error`` where somebody else has written the record meanwhile.
    """
    damaged = Account(key=key, version=error.version, epoch=error.version, logins_from=moment.now)
    made = forget(damaged, moment, pseudonym=pseudonym, reason=reason)
    if not await engine.store.swap(made.account, engine.chained(made.events)):
        raise error
    await engine.effects.follow(made.events, made.account)
    return made


async def erase(
    engine: Engine, key: SubjectKey, moment: Moment, *, pseudonym: str, until: str, is_person: bool = True
) -> int:
    """Erase what is left of a person whose account is empty.

    These are claims, kept forms, records of report-only, lines of the trail up to ``until``, and the name of the person in
    the accounts of others on whom they acted as an administrator. Where nobody knows if the id is a person (``is_person``, the
    answer of ``was_here``), only the lines about its account are erased. After an error, call it again: it does the rest.
    Returns the number of lines. Raises ``StoreUnavailable``.
    """
    if not until and (account := await engine.store.load(key)).is_forgotten:
        # An earlier call may have stopped before the store had put the row where its name tells nothing.
        await engine.store.swap(account)
    await erase_beside(engine, key)
    lines = await lines_naming(engine, key, moment, pseudonym=pseudonym, until=until, only_about=not is_person)
    # The accounts first: once the lines are erased, nothing tells any more which accounts these are.
    for other in sorted(lines.acted_on):
        named = SubjectKey(key.tenant, other)
        await engine.change(named, lambda account: rename_hand(account, id=key.id, pseudonym=pseudonym))
    return await erase_from_trail(engine, lines)


async def was_here(engine: Engine, key: SubjectKey) -> bool:
    """Tell if the person of this id was ever here.

    The account or the trail then shows something of their own. Call it before the account is emptied. Any word can be an id
    for an administrator, who gives it a ticket.
    """
    account = await engine.load(key)
    if account.shows_a_person:
        return True
    return bool((await engine.store.events(key.tenant, account=key.id, kind=ENROLLED, limit=1)).items)


async def erase_beside(engine: Engine, key: SubjectKey) -> None:
    """Erase what lies beside account and trail.

    These are the claim of the name, kept forms and records of report-only.
    """
    await engine.store.release(fold_of(key.tenant, key.id), key)
    await drop_forms(engine, key)
    await erase_from_report(engine, key)
