"""Binding authenticators to the account of the signed-in person.

No parameter names another account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from ..core import changes
from ..core.changes import Charge, Forwarded, Granted
from ..core.changes.base import TWIN_LIFE
from ..core.decision import decide
from ..core.entropy import handle_digest
from ..core.events import Moment
from ..core.model import Account, Authenticator, Caller, Contacts, Enrollment
from ..core.reasons import Refusal
from ..core.rules import Rules
from ..factors.base import COLLECT, Accepted, Context, Rejected
from ..factors.optional_parts import CopiesContact, is_moved
from ..storage import take_one
from .access import Access, Judgement
from .accounts import Engine
from .attempt import Guess
from .backup_codes import BackupCodes
from .challenges import Challenges, Issued, wanted_verification
from .contact_changes import ContactChanges
from .enrollable import not_enrollable
from .lookalikes import tell_lookalike
from .request_limits import DRAFTS, too_many
from .verification import Verification

COPIES = 10
"""Copies of a confirmation that are looked at in a minute."""
OF_A_DRAFT = ("clock_drift", "code_already_used", "code_expired", "code_too_early")
"""Reasons that refuse a code which belongs to a draft, but is not valid now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDraft:
    """A draft that waits for its confirmation.

    ``shown`` is for its page. ``issued`` is the challenge that was sent, if one was.
    """

    enrollment: Enrollment
    shown: Mapping[str, str]
    issued: Issued | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """A confirmed draft.

    ``handle`` is the browser's new handle. ``backup_codes`` is the set that a first enrollment makes. ``again``: this
    was a copy of a confirmation that had just succeeded.
    """

    authenticator: Authenticator
    handle: str
    granted: Granted | None
    backup_codes: tuple[str, ...] = field(default=(), repr=False)
    again: bool = False


class Enrollments:
    """Use cases of a draft: begin, send, confirm."""

    def __init__(
        self, engine: Engine, access: Access, challenges: Challenges, verification: Verification, backup: BackupCodes
    ) -> None:
        self.engine = engine
        self.changes = ContactChanges(engine, challenges)
        self.access = access
        self.challenges = challenges
        self.verification = verification
        self.backup = backup

    async def begin(
        self,
        caller: Caller,
        *,
        factor: str,
        phone: str = "",
        region: str = "",
        label: str = "",
        anew: bool = True,
        unasked: bool = False,
    ) -> OpenDraft | Refusal:
        """Begin a draft of ``factor``, and send its code if it has one.

        ``phone`` is the number as typed, if the factor wants one. Without ``anew``, a live draft of this browser that
        has something to scan, or a code that went out a moment ago, is continued: a person may use it already.
        ``unasked``: the person is not asked for a press. That is only for somebody who has a factor already.
        """
        judgement = await self.access.own(caller)
        refusal = not_enrollable(judgement, factor, self.engine.now())
        if refusal is not None:
            return refusal
        part, rules = self.engine.factors[factor], judgement.requirement.rules
        if not anew:
            known = await self.pending(caller, factor=factor)
            if known is not None and ("secret" in known.shown or (not phone and await self._is_asked(caller, known))):
                return known
        contacts = await self.engine.contacts(caller.subject)
        account = judgement.account or Account(key=caller.subject.key)
        context = self.challenges.context(caller, rules, purpose="enroll", account=account, contacts=contacts)
        context = replace(context, unasked=unasked and bool(account.authenticators))
        draft = await asyncio.to_thread(part.draft, context, phone=phone, region=region)
        if isinstance(draft, Rejected):
            return Refusal(reason=draft.reason, detail=draft.detail)
        crowded = await too_many(self.engine.store, caller, account, DRAFTS, now=self.engine.now())
        if crowded is not None:
            return crowded
        moment, replaces = self.engine.moment_of(caller), self.changes.replaced_by(context, factor)
        enrollment = await self.engine.change(
            caller.subject.key,
            lambda current: changes.begin_enrollment(
                current,
                moment,
                factor=factor,
                data=draft.data,
                label=label or draft.label,
                user_handle=draft.user_handle,
                browser=caller.handle,
                single=self.engine.factors.traits[factor].single,
                replaces=replaces,
                name=contacts.name,
                lang=caller.lang,
                zone=caller.zone,
            ),
        )
        if isinstance(enrollment, Refusal):
            return enrollment
        await tell_lookalike(self.engine, caller, account)
        shown = await asyncio.to_thread(part.show, context, enrollment.data)
        issued = None
        if self.engine.factors.traits[factor].needs_challenge:
            sent = await self.send(caller, enrollment.id)
            if isinstance(sent, Refusal):
                return sent
            issued = sent
        return OpenDraft(enrollment=enrollment, shown=shown, issued=issued)

    async def _is_asked(self, caller: Caller, known: OpenDraft) -> bool:
        """Tell if a draft waits for an answer.

        Its picture lives, or its code went out a moment ago.
        """
        account, now = await self.engine.load(caller.subject.key), self.engine.now()
        limits = self.engine.factors[known.enrollment.factor].limits(self.engine.rules(caller.subject.tenant))
        live = [c for c in account.challenges if c.target == known.enrollment.id and c.is_live(now, account.seen_at)]
        if "uri" in known.shown or "device" in known.shown:
            return bool(live)
        return any(now < c.issued_at + (limits.wait if limits else 0) for c in live)

    async def pending(self, caller: Caller, enrollment: str = "", *, factor: str = "") -> OpenDraft | None:
        """Find the caller's own draft, by id or by factor, with the texts of its page.

        Returns None if this browser has no such draft, or one for an address that is no longer on file.
        """
        account = await self.engine.load(caller.subject.key)
        draft = _draft(account, caller, enrollment, factor, self.engine.now())
        if draft is None or draft.factor not in self.engine.factors:
            return None
        rules = self.engine.rules(caller.subject.tenant)
        contacts = await self.engine.contacts(caller.subject)
        context = self.challenges.context(caller, rules, purpose="enroll", account=account, contacts=contacts)
        if self._is_moved(context, draft):
            return None
        shown = await asyncio.to_thread(self.engine.factors[draft.factor].show, context, draft.data)
        return OpenDraft(enrollment=draft, shown=shown)

    def _is_moved(self, context: Context, draft: Enrollment) -> bool:
        """Tell if the draft is for an address that the host's record no longer has (decisions 66)."""
        part = self.engine.factors[draft.factor]
        if not isinstance(part, CopiesContact):
            return False
        return is_moved(part, context.rules, context.contacts, part.copy_of(context, draft.data))

    async def send(self, caller: Caller, enrollment: str) -> Issued | Refusal:
        """Send a code (or issue a challenge) for the caller's own draft."""
        judgement = await self.access.own(caller)
        account = await self.engine.load(caller.subject.key)
        draft = _draft(account, caller, enrollment, "", self.engine.now())
        if draft is None:
            return Refusal(reason="not_found")
        refusal = not_enrollable(judgement, draft.factor, self.engine.now())
        if refusal is not None:
            return refusal
        rules = judgement.requirement.rules
        wanted = wanted_verification(judgement)
        contacts = await self._contacts(caller, draft.factor)
        context = self.challenges.context(
            caller, rules, purpose="enroll", account=account, contacts=contacts, user_verification=wanted
        )
        if self._is_moved(context, draft):
            return Refusal(reason="contact_changed")
        return await self.challenges.issue(caller, context, factor=draft.factor, data=draft.data, target=draft.id)

    async def _contacts(self, caller: Caller, factor: str) -> Contacts | None:
        """Ask the host for the contacts, if the factor keeps a copy of one."""
        return await self.engine.contacts(caller.subject) if self.engine.factors[factor].traits.contact else None

    async def confirm(
        self, caller: Caller, *, handle: str, enrollment: str, response: object, label: str = ""
    ) -> Enrolled | Refusal:
        """Confirm a draft by a right response, which is also a proof of this browser.

        It runs to its end, even if the client hangs up.
        """
        return await self.verification.attempts.to_its_end(self._confirm(caller, handle, enrollment, response, label))

    async def _confirm(
        self, caller: Caller, handle: str, enrollment: str, response: object, label: str
    ) -> Enrolled | Refusal:
        judgement = await self.access.own(caller)
        account = await self.engine.load(caller.subject.key)
        draft = _draft(account, caller, enrollment, "", self.engine.now())
        if draft is None or draft.factor not in self.engine.factors:
            twin = await self.twin(caller, handle=handle, enrollment=enrollment, response=response)
            if twin is not None:
                return replace(twin, backup_codes=await self._copied_set(caller, judgement, twin.authenticator))
            if account.lock is not None:
                # It comes before an unknown draft: a lock drops the drafts.
                return Refusal(reason="locked", ref=account.lock.ref, attempts_remaining=0)
            replaced = any(e.id == enrollment and e.browser == caller.handle for e in account.replaced)
            return Refusal(reason="draft_replaced" if replaced else "not_found")
        refusal = not_enrollable(judgement, draft.factor, self.engine.now())
        if refusal is not None:
            return refusal
        rules, part = judgement.requirement.rules, self.engine.factors[draft.factor]
        contacts, replaces = await self._contacts(caller, draft.factor), ""
        if contacts is not None:
            context = self.challenges.context(caller, rules, purpose="enroll", account=account, contacts=contacts)
            if self._is_moved(context, draft):
                return Refusal(reason="contact_changed")
            replaces = self.changes.replaced_by(context, draft.factor)
        read = part.read(response, rules)
        if read is None:
            return self.verification.malformed(caller)
        first = not account.authenticators
        answer = self.engine.keyring.digest("answer", caller.subject.tenant, caller.subject.id, draft.id, str(read))
        if read == COLLECT:
            asked = [c for c in account.challenges if c.purpose == "enroll" and c.target == draft.id]
            waiting = self.verification.uncollected(caller, account, asked, answer)
            if waiting is not None:
                return waiting
        new_handle = self.verification.next_handle(caller, self.verification.fresh_handle(handle), answer)
        claimed: list[str] = []
        guess = Guess(
            caller=caller,
            rules=rules,
            factor=draft.factor,
            answer=answer,
            prepare=lambda current: self._verification(caller, rules, current, draft, read),
            settle=self._settlement(caller, judgement, draft, label, answer, handle_digest(new_handle), replaces),
            finish=partial(self._claim, caller, claimed),
            loaded=account,
        )
        granted = await self.verification.attempts.attempt(guess)
        if isinstance(granted, Refusal):
            await self._release(caller, claimed)
            return granted
        if isinstance(granted, Forwarded):
            again = await self._again(caller, new_handle, granted)
            if isinstance(again, Refusal):
                return again
            return replace(again, backup_codes=await self._copied_set(caller, judgement, again.authenticator))
        codes: tuple[str, ...] = ()
        if first and self.engine.factors.backup in judgement.requirement.factors:
            codes = await self.backup.first_set(caller, judgement)
        return Enrolled(authenticator=granted.authenticator, handle=new_handle, granted=granted, backup_codes=codes)

    async def _copied_set(self, caller: Caller, judgement: Judgement, mine: Authenticator) -> tuple[str, ...]:
        """Return the backup codes for a copy of the confirmation that bound ``mine``.

        There are none for a further factor.
        """
        backup, account = self.engine.factors.backup, await self.engine.load(caller.subject.key)
        others = [a for a in account.authenticators if a.id != mine.id and a.factor != backup]
        if others or backup not in judgement.requirement.factors:
            return ()
        return await self.backup.first_set(caller, judgement)

    async def twin(self, caller: Caller, *, handle: str, enrollment: str, response: object) -> Enrolled | None:
        """Find the success of which this confirmation is a copy.

        The same answer for the same draft, a moment ago.

        A copy may come with the browser's handle of before, or with the one that the success has given it. No attempt is
        charged for it, so a minute has few: who has the handle of before could try all codes.
        """
        account = await self.engine.load(caller.subject.key)
        now = max(self.engine.now(), account.seen_at)
        for browser in account.browsers:
            mine, twin = account.authenticator(browser.last_factor), browser.twin
            if mine is None or twin is None or mine.factor not in self.engine.factors:
                continue
            if caller.handle not in (twin.handle, browser.handle) or now - twin.at >= TWIN_LIFE:
                continue
            if await take_one(self.engine.store, f"copies:{twin.handle}", limit=COPIES, window=60, now=now):
                return None
            read = self.engine.factors[mine.factor].read(response, self.engine.rules(caller.subject.tenant))
            names = (caller.subject.tenant, caller.subject.id, enrollment, str(read))
            answer = self.engine.keyring.digest("answer", *names)
            if changes.twin_of(account, twin.handle, answer, now) is None:
                continue
            is_known = caller.handle == browser.handle
            kept = handle if is_known else self.verification.next_handle(caller, handle, answer)
            return Enrolled(authenticator=mine, handle=kept, granted=None, again=True)
        return None

    def _verification(
        self, caller: Caller, rules: Rules, account: Account, draft: Enrollment, read: object
    ) -> Callable[[], Accepted | Rejected]:
        """Prepare the check of the response.

        A response that fits an older draft, which this browser has replaced, is rejected with that reason.
        """
        context = self.challenges.context(caller, rules, purpose="enroll", account=account)
        earlier = [e for e in account.replaced if (e.factor, e.browser) == (draft.factor, draft.browser)]

        def fits(one: Enrollment) -> Accepted | Rejected:
            open_ones = [c for c in account.challenges if c.purpose == "enroll" and c.target == one.id]
            return self.engine.factors[one.factor].verify(context, data=one.data, challenges=open_ones, response=read)

        def verify() -> Accepted | Rejected:
            outcome = fits(draft)
            if not isinstance(outcome, Rejected) or outcome.free or outcome.challenge:
                return outcome  # a challenge of this draft was answered, and of no other
            others = map(fits, earlier)
            if any(isinstance(other, Accepted) or other.reason in OF_A_DRAFT for other in others):
                return Rejected(reason="draft_replaced", free=True)
            return outcome

        return verify

    def _settlement(
        self,
        caller: Caller,
        judgement: Judgement,
        draft: Enrollment,
        label: str,
        answer: str,
        new_handle: str,
        replaces: str = "",
    ) -> Callable[[Account, Moment, Charge, Accepted], changes.Change[Granted | Refusal]]:
        """Make the step that confirms the draft, judged on the very account that is written."""
        requirement, traits = judgement.requirement, self.engine.factors.traits[draft.factor]
        chosen = label if label != draft.label else ""

        def step(
            current: Account, moment: Moment, taken: Charge, outcome: Accepted
        ) -> changes.Change[Granted | Refusal]:
            now = max(moment.now, current.seen_at)
            evidence = self.access.evidence(caller, current, requirement, now)
            refusal = changes.may_enroll(evidence, decide(requirement, evidence, now), requirement, traits, now)
            return changes.settle_enrollment(
                current,
                moment,
                requirement.rules,
                caller,
                taken=taken,
                seen=draft,
                data=self.changes.heir(current, replaces, draft.factor, outcome.data, now)
                if replaces
                else outcome.data,
                challenge=outcome.challenge,
                label=chosen or (outcome.label if draft.label == traits.name else ""),
                traits=traits,
                user_verified=outcome.user_verified,
                new_handle=new_handle,
                answer=answer,
                refusal=refusal,
                replaces=replaces,
            )

        return step

    async def _claim(self, caller: Caller, claimed: list[str], outcome: Accepted) -> Rejected | None:
        """Reserve the name that must be unique, and add it to ``claimed``.

        If another account has it, the response was right: it is rejected, but is no guess.
        """
        if not outcome.claim:
            return None
        if not await self.engine.store.claim(outcome.claim, caller.subject.key):
            return Rejected(reason="already_enrolled", free=True, challenge=outcome.challenge)
        claimed.append(outcome.claim)
        return None

    async def _release(self, caller: Caller, claimed: Sequence[str]) -> None:
        """Give back the names that were reserved for nothing.

        They would name the person for good. A copy of the confirmation may have bound one meanwhile.
        """
        if not claimed:
            return
        account = await self.engine.load(caller.subject.key)
        for name in {*claimed} - {a.data.get("claim") for a in account.authenticators}:
            await self.engine.store.release(name, caller.subject.key)

    async def _again(self, caller: Caller, new_handle: str, twin: Forwarded) -> Enrolled | Refusal:
        """Answer a copy of a confirmation that has just succeeded: same result, nothing new."""
        account = await self.engine.load(caller.subject.key)
        mine = account.authenticator(twin.browser.last_factor)
        if mine is None:
            return Refusal(reason="not_found")
        return Enrolled(authenticator=mine, handle=new_handle, granted=None, again=True)


def _draft(account: Account, caller: Caller, id: str, factor: str, now: int) -> Enrollment | None:
    """Find the caller's own draft. A draft of another browser is not found."""
    for draft in account.enrollments:
        if (
            draft.browser == caller.handle
            and now < draft.expires_at
            and (draft.id == id or (not id and draft.factor == factor))
        ):
            return draft
    return None
