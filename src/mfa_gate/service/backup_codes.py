"""Backup codes: make a set, show it until it is in a safe place, and never after that."""

from __future__ import annotations

from functools import partial

from ..core import changes
from ..core.changes import Change
from ..core.decision import Deny, StepUp
from ..core.events import Event
from ..core.model import Account, Authenticator, Caller, SubjectKey
from ..core.reasons import Refusal
from ..factors.base import Rejected
from ..factors.optional_parts import StandsIn
from .access import Access, Judgement
from .accounts import Engine
from .challenges import Challenges
from .enrollable import not_enrollable

MADE = "backup_codes.made"
DROPPED = "backup-copies"
PAGE = 200
KEPT_FOR = 900
"""Seconds in which a fresh set of backup codes can be shown again to the browser that made it."""


class BackupCodes:
    """Use cases of the set of backup codes. An account has at most one."""

    def __init__(self, engine: Engine, access: Access, challenges: Challenges) -> None:
        self.engine = engine
        self.access = access
        self.challenges = challenges

    async def make(self, caller: Caller) -> tuple[str, ...] | Refusal:
        """Make a new set of backup codes; the old one ends at once.

        Like any change of factors, it needs a fresh proof.
        """
        judgement = await self.access.own(caller)
        refusal = not_enrollable(judgement, self.engine.factors.backup, self.engine.now())
        if refusal is not None:
            return refusal
        return await self.make_for(caller, judgement)

    async def make_for(self, caller: Caller, judgement: Judgement) -> tuple[str, ...]:
        """Make a set for a caller who may have one; the caller of this function checks that.

        Returns an empty tuple if no set could be made.
        """
        return await self._make(caller, judgement, told_by="", anew=True)

    async def first_set(self, caller: Caller, judgement: Judgement) -> tuple[str, ...]:
        """Return the set that belongs to a first enrollment, which was confirmed just now.

        A second copy of the confirmation gets the set of the first one for as long as it can be shown. It makes the set where
        the store failed before the first one had. The notice of the enrollment tells the person of it.
        """
        return await self._make(caller, judgement, told_by="factor.enrolled", anew=False)

    async def _make(self, caller: Caller, judgement: Judgement, *, told_by: str, anew: bool) -> tuple[str, ...]:
        """Make a set. Without ``anew``, one that is there already stays and is returned."""
        part, rules = self.engine.factors[self.engine.factors.backup], judgement.requirement.rules
        context = self.challenges.context(caller, rules, purpose="enroll", account=judgement.looked_at.account)
        draft = part.draft(context)
        if isinstance(draft, Rejected):
            return ()
        codes = part.show(context, draft.data)["codes"]
        kept = {**draft.data, "kept": context.seal("kept", codes), "kept_until": context.now + KEPT_FOR}
        moment = self.engine.moment_of(caller)

        def step(current: Account) -> Change[Authenticator | Refusal]:
            known = next((a for a in current.authenticators if a.factor == self.engine.factors.backup), None)
            if known is not None and not anew:
                return changes.keep(current, known)
            return changes.replace_backup(
                current,
                moment,
                factor=self.engine.factors.backup,
                data=kept,
                label=draft.label,
                browser=caller.handle,
                told_by=told_by,
            )

        made = await self.engine.change(caller.subject.key, step)
        if isinstance(made, Refusal) or "kept" not in made.data:
            return ()
        return tuple(context.open("kept", made.data["kept"]).split())

    def stock(self, judgement: Judgement) -> tuple[int, int]:
        """Return the size of a full set, and the number of codes at which the person is warned."""
        part = self.engine.factors.get(self.engine.factors.backup)
        return part.stock(judgement.requirement.rules) if isinstance(part, StandsIn) else (0, 0)

    def left(self, caller: Caller, judgement: Judgement) -> int:
        """Count the caller's backup codes that can still be used."""
        account = judgement.account
        mine = next(
            (a for a in (account.authenticators if account else ()) if a.factor == self.engine.factors.backup), None
        )
        if account is None or mine is None:
            return 0
        context = self.challenges.context(caller, judgement.requirement.rules, purpose="sign-in", account=account)
        return int(self.engine.factors[self.engine.factors.backup].hint(context, mine.data))

    async def kept(self, caller: Caller) -> tuple[Authenticator, tuple[str, ...]] | None:
        """Return the set made a moment ago, to show it again, or None.

        It can be shown for a quarter of an hour, until the person says that it is in a safe place. Only a caller who
        may change factors gets it.
        """
        judgement = await self.access.own(caller)
        if isinstance(judgement.decision, (StepUp, Deny)):
            return None
        if changes.may_change(judgement.looked_at, judgement.requirement, self.engine.now()) is not None:
            return None
        account = judgement.looked_at.account
        mine = next((a for a in account.authenticators if a.factor == self.engine.factors.backup), None)
        if mine is None or self.engine.now() >= int(str(mine.data.get("kept_until", 0))):
            return None
        if not self.left(caller, judgement):
            return None
        context = self.challenges.context(caller, judgement.requirement.rules, purpose="enroll", account=account)
        return mine, tuple(context.open("kept", mine.data["kept"]).split())

    async def saved(self, caller: Caller) -> None:
        """Note that the person has the codes. From now on nobody can show them again."""
        moment = self.engine.moment_of(caller)
        await self.engine.change(
            caller.subject.key, lambda current: changes.saved_backup(current, moment, factor=self.engine.factors.backup)
        )

    async def drop_old_copies(self) -> None:
        """Drop the readable copies of new codes whose time is over (S-92).

        This includes people who never came back. The trail tells who had codes made. It is read from the time where
        the last run ended. If that time lies ahead, because a clock ran ahead then, it does not count.
        """
        store, until = self.engine.store, self.engine.now() - KEPT_FOR
        done = min(int(await store.meta(DROPPED) or b"0"), until)
        for tenant in await store.trails():
            for event in await self._made(tenant, since=done, until=until):
                moment, key = self.engine.moment(actor="mfa_gate"), SubjectKey(event.tenant, event.account)
                await self.engine.change(key, partial(changes.drop_old_copies, moment=moment))
        await store.put_meta(DROPPED, str(until).encode())

    async def _made(self, tenant: str, *, since: int, until: int) -> list[Event]:
        """List the events of codes that were made from ``since`` on, up to ``until``."""
        found: list[Event] = []
        after = ""
        while True:
            page = await self.engine.store.events(tenant, kind=MADE, after=after, limit=PAGE)
            found += [event for event in page.items if since <= event.at <= until]
            if not page.next or page.items[-1].at < since:
                return found
            after = page.next
