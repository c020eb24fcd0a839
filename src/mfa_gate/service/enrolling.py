"""Binding authenticators to the one who is signed in; nobody can say whose account is meant."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..core import changes
from ..core.changes import Charge, Forwarded, Granted
from ..core.changes.enrolling import LEAVE_LIFE, is_on_file, needs_leave
from ..core.decision import decide
from ..core.entropy import handle_digest
from ..core.model import Account, Authenticator, Caller, Challenge, Contacts, Enrollment
from ..core.reasons import Refusal
from ..factors import FACTORS, TRAITS
from ..factors.base import COLLECT, Accepted, Rejected
from .engine import Engine
from .judging import Judge, Judgement
from .proving import Issued, Proving, Verified

BACKUP = next(kind for kind, traits in TRAITS.items() if traits.backup)
KEPT_FOR = 900
"""Seconds in which a fresh set of backup codes can be shown again to the browser that made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolling:
    """A draft that waits for its confirmation. ``shown`` is for the page; ``issued`` what was sent, where something was."""

    enrollment: Enrollment
    shown: Mapping[str, str]
    issued: Issued | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """The draft counts. ``handle`` is the browser's new handle; ``backup_codes`` the set made with a first enrollment."""

    authenticator: Authenticator
    handle: str
    granted: Granted | None
    backup_codes: tuple[str, ...] = field(default=(), repr=False)
    again: bool = False


class Enrollments:
    """Use cases of enrollment."""

    def __init__(self, engine: Engine, judge: Judge, proving: Proving) -> None:
        self.engine = engine
        self.judge = judge
        self.proving = proving

    # -- what may be enrolled ------------------------------------------------------------------------------------

    def enrollable(self, judgement: Judgement) -> tuple[str, ...]:
        """The kinds that this subject may enroll here, strongest first; backup codes are made elsewhere."""
        account = judgement.account
        requirement = judgement.requirement
        order = requirement.rules.factors.order
        held = {a.factor for a in account.authenticators} if account else set()
        kinds = [
            kind
            for kind in requirement.factors
            if kind in FACTORS and not TRAITS[kind].backup and not (TRAITS[kind].single and kind in held)
        ]
        return tuple(sorted(kinds, key=lambda kind: order.index(kind) if kind in order else len(order)))

    def refusal(self, judgement: Judgement, factor: str) -> Refusal | None:
        """Why ``factor`` may not be enrolled now, or None."""
        if factor not in TRAITS or judgement.standing is None:
            return Refusal(reason="not_enrollable")
        return changes.may_enroll(
            judgement.standing, judgement.decision, judgement.requirement, TRAITS[factor], self.engine.now()
        )

    def lacks(self, judgement: Judgement) -> Refusal | None:
        """What a first enrollment needs besides the password, whatever factor is chosen: None, contact or ticket."""
        standing = judgement.standing
        if standing is None or standing.holds:
            return None
        rules = judgement.requirement.rules
        kinds = self.enrollable(judgement)
        if any(is_on_file(rules, TRAITS[kind]) for kind in kinds) and rules.enrollment.first == "contact":
            return None
        return needs_leave(standing, rules, TRAITS[kinds[0]], self.engine.now()) if kinds else None

    # -- begin and confirm ---------------------------------------------------------------------------------------

    async def begin(
        self, caller: Caller, *, factor: str, phone: str = "", region: str = "", label: str = ""
    ) -> Enrolling | Refusal:
        """A draft of ``factor``; what sends, sends its code now. ``phone`` as typed, where the factor wants one."""
        judgement = await self.judge.own(caller)
        refusal = self.refusal(judgement, factor)
        if refusal is not None:
            return refusal
        part, rules = FACTORS[factor], judgement.requirement.rules
        contacts = await self.engine.contacts(caller.subject)
        account = judgement.account or Account(key=caller.subject.key)
        context = self.proving.context(caller, rules, purpose="enroll", account=account, contacts=contacts)
        draft = await asyncio.to_thread(part.draft, context, phone=phone, region=region)
        if isinstance(draft, Rejected):
            return Refusal(reason=draft.reason, detail=draft.detail)
        moment = self.engine.moment(network=caller.network)
        enrollment = await self.engine.change(
            caller.subject.key,
            lambda current: changes.begin_enrollment(
                current,
                moment,
                factor=factor,
                data=draft.data,
                label=label or draft.label,
                browser=caller.handle,
                single=TRAITS[factor].single,
                name=contacts.name,
            ),
        )
        if isinstance(enrollment, Refusal):
            return enrollment
        shown = await asyncio.to_thread(part.show, context, enrollment.data)
        issued = None
        if TRAITS[factor].needs_challenge:
            sent = await self.send(caller, enrollment.id)
            if isinstance(sent, Refusal):
                return sent
            issued = sent
        return Enrolling(enrollment=enrollment, shown=shown, issued=issued)

    async def pending(self, caller: Caller, enrollment: str = "", *, factor: str = "") -> Enrolling | None:
        """The caller's own draft, by id or by factor, with what its page shows; None where there is none in this browser."""
        account = await self.engine.store.load(caller.subject.key)
        draft = _draft(account, caller, enrollment, factor, self.engine.now())
        if draft is None or draft.factor not in FACTORS:
            return None
        rules = self.engine.rules(caller.subject.tenant)
        contacts = await self.engine.contacts(caller.subject)
        context = self.proving.context(caller, rules, purpose="enroll", account=account, contacts=contacts)
        shown = await asyncio.to_thread(FACTORS[draft.factor].show, context, draft.data)
        return Enrolling(enrollment=draft, shown=shown)

    async def send(self, caller: Caller, enrollment: str) -> Issued | Refusal:
        """Send a code (or issue a challenge) for the caller's own draft."""
        judgement = await self.judge.own(caller)
        account = await self.engine.store.load(caller.subject.key)
        draft = _draft(account, caller, enrollment, "", self.engine.now())
        if draft is None:
            return Refusal(reason="not_found")
        refusal = self.refusal(judgement, draft.factor)
        if refusal is not None:
            return refusal
        rules = judgement.requirement.rules
        context = self.proving.context(caller, rules, purpose="enroll", account=account)
        return await self.proving.issue(caller, context, factor=draft.factor, data=draft.data, target=draft.id)

    async def confirm(
        self, caller: Caller, *, handle: str, enrollment: str, response: object, label: str = ""
    ) -> Enrolled | Refusal:
        """The try-out: a right response makes the draft count, and is a proof of this browser. It runs to its end."""
        task = asyncio.create_task(self._confirm(caller, handle, enrollment, response, label))
        return await asyncio.shield(task)

    async def _confirm(
        self, caller: Caller, handle: str, enrollment: str, response: object, label: str
    ) -> Enrolled | Refusal:
        judgement = await self.judge.own(caller)
        account = await self.engine.store.load(caller.subject.key)
        draft = _draft(account, caller, enrollment, "", self.engine.now())
        if draft is None or draft.factor not in FACTORS:
            return Refusal(reason="not_found")
        refusal = self.refusal(judgement, draft.factor)
        if refusal is not None:
            return refusal
        rules, part = judgement.requirement.rules, FACTORS[draft.factor]
        read = part.read(response, rules)
        if read is None:
            return self.proving.malformed(caller)
        first = not account.authenticators
        answer = self.engine.keyring.digest("answer", caller.subject.tenant, caller.subject.id, draft.id, str(read))
        if read == COLLECT:
            asked = [c for c in account.challenges if c.purpose == "enroll" and c.target == draft.id]
            waiting = self.proving.uncollected(caller, account, asked, answer)
            if waiting is not None:
                return waiting
        async with self.engine.turn(caller.subject.key):
            taken = await self.proving.charge(caller, rules, answer)
            if isinstance(taken, Refusal):
                return taken
            if isinstance(taken, Forwarded):
                return await self._again(caller, handle, answer, taken)
            account = await self.engine.store.load(caller.subject.key)
            context = self.proving.context(caller, rules, purpose="enroll", account=account)
            open_ones = [c for c in account.challenges if c.purpose == "enroll" and c.target == draft.id]
            outcome = await asyncio.to_thread(
                part.verify, context, data=draft.data, challenges=open_ones, response=read
            )
            if (
                isinstance(outcome, Accepted)
                and outcome.claim
                and not await self.engine.store.claim(outcome.claim, caller.subject.key)
            ):
                outcome = Rejected(reason="already_enrolled", challenge=outcome.challenge)
            if isinstance(outcome, Rejected):
                return await self.proving.fail(caller, rules, taken, draft.factor, outcome)
            done = await self._settle(caller, handle, judgement, draft, outcome, taken, label, answer)
        if isinstance(done, Refusal):
            return done
        granted, new_handle = done
        codes: tuple[str, ...] = ()
        if first and BACKUP in judgement.requirement.factors:
            codes = await self._make_backup(caller, judgement)
        return Enrolled(authenticator=granted.authenticator, handle=new_handle, granted=granted, backup_codes=codes)

    async def _settle(
        self,
        caller: Caller,
        handle: str,
        judgement: Judgement,
        draft: Enrollment,
        outcome: Accepted,
        taken: Charge,
        label: str,
        answer: str,
    ) -> tuple[Granted, str] | Refusal:
        moment = self.engine.moment(network=caller.network)
        new_handle = self.proving.next_handle(caller, handle, answer)
        requirement, traits = judgement.requirement, TRAITS[draft.factor]
        chosen = label if label != draft.label else ""

        def step(current: Account) -> changes.Change[Granted | Refusal]:
            now = max(moment.now, current.seen_at)
            standing = self.judge.standing(caller, current, requirement, now)
            refusal = changes.may_enroll(standing, decide(requirement, standing, now), requirement, traits, now)
            return changes.settle_enrollment(
                current,
                moment,
                requirement.rules,
                caller,
                taken=taken,
                seen=draft,
                data=outcome.data,
                challenge=outcome.challenge,
                label=chosen or (outcome.label if draft.label == traits.name else ""),
                traits=traits,
                user_verified=outcome.user_verified,
                new_handle=handle_digest(new_handle),
                answer=answer,
                refusal=refusal,
            )

        granted = await self.engine.change(caller.subject.key, step)
        return granted if isinstance(granted, Refusal) else (granted, new_handle)

    async def _again(self, caller: Caller, handle: str, answer: str, twin: Forwarded) -> Enrolled | Refusal:
        """A copy of the confirmation of a moment ago: it leads to the same result and makes nothing new."""
        account = await self.engine.store.load(caller.subject.key)
        mine = account.authenticator(twin.browser.last_factor)
        if mine is None:
            return Refusal(reason="not_found")
        new_handle = self.proving.next_handle(caller, handle, answer)
        return Enrolled(authenticator=mine, handle=new_handle, granted=None, again=True)

    # -- backup codes --------------------------------------------------------------------------------------------

    async def make_backup(self, caller: Caller) -> tuple[str, ...] | Refusal:
        """A new set of backup codes; the old one ends at once. Needs a fresh proof like any change of factors."""
        judgement = await self.judge.own(caller)
        refusal = self.refusal(judgement, BACKUP)
        if refusal is not None:
            return refusal
        return await self._make_backup(caller, judgement)

    async def _make_backup(self, caller: Caller, judgement: Judgement) -> tuple[str, ...]:
        part, rules = FACTORS[BACKUP], judgement.requirement.rules
        account = judgement.account or Account(key=caller.subject.key)
        context = self.proving.context(caller, rules, purpose="enroll", account=account)
        draft = part.draft(context)
        if isinstance(draft, Rejected):
            return ()
        codes = part.show(context, draft.data)["codes"]
        kept = {**draft.data, "kept": context.seal("kept", codes), "kept_until": context.now + KEPT_FOR}
        moment = self.engine.moment(network=caller.network)
        made = await self.engine.change(
            caller.subject.key,
            lambda current: changes.replace_backup(
                current, moment, factor=BACKUP, data=kept, label=draft.label, browser=caller.handle
            ),
        )
        return () if isinstance(made, Refusal) else tuple(codes.split())

    def backup_left(self, caller: Caller, judgement: Judgement) -> int:
        """How many backup codes the caller has that still count."""
        account = judgement.account
        mine = next((a for a in (account.authenticators if account else ()) if a.factor == BACKUP), None)
        if account is None or mine is None:
            return 0
        context = self.proving.context(caller, judgement.requirement.rules, purpose="sign-in", account=account)
        return int(FACTORS[BACKUP].hint(context, mine.data))

    async def kept_backup(self, caller: Caller) -> tuple[Authenticator, tuple[str, ...]] | None:
        """The set that was made a moment ago, to show it again until the person says that it is in a safe place.

        Only to somebody who may change factors, within a quarter of an hour.
        """
        judgement = await self.judge.own(caller)
        if judgement.standing is None or changes.may_change(judgement.standing, self.engine.now()) is not None:
            return None
        account = judgement.standing.account
        mine = next((a for a in account.authenticators if a.factor == BACKUP), None)
        if mine is None or self.engine.now() >= int(str(mine.data.get("kept_until", 0))):
            return None
        if not self.backup_left(caller, judgement):
            return None
        context = self.proving.context(caller, judgement.requirement.rules, purpose="enroll", account=account)
        return mine, tuple(context.open("kept", mine.data["kept"]).split())

    async def saved_backup(self, caller: Caller) -> None:
        """The person has the codes: from now on nobody can show them again."""
        account = await self.engine.store.load(caller.subject.key)
        mine = next((a for a in account.authenticators if a.factor == BACKUP), None)
        if mine is None or "kept" not in mine.data:
            return
        moment = self.engine.moment(network=caller.network)
        data = {name: value for name, value in mine.data.items() if not name.startswith("kept")}
        await self.engine.change(
            caller.subject.key, lambda current: changes.saved_backup(current, moment, id=mine.id, data=data)
        )

    # -- what a first enrollment needs ---------------------------------------------------------------------------

    def contact_kinds(self, contacts: Contacts) -> tuple[str, ...]:
        """The kinds by which a contact on file can be proven."""
        senders = self.engine.wiring.senders
        on_file = {"email": bool(contacts.email), "phone": bool(contacts.phone)}
        return tuple(
            kind for kind, t in TRAITS.items() if on_file.get(t.contact) and t.typed and senders.for_channel(t.sends)
        )

    async def send_contact(self, caller: Caller, kind: str) -> Issued | Refusal:
        """Send a code to the contact on file, before a first enrollment."""
        judgement = await self.judge.own(caller)
        if judgement.account is None or judgement.standing is None or judgement.standing.holds:
            return Refusal(reason="proof_required")
        contacts = await self.engine.contacts(caller.subject)
        if kind not in self.contact_kinds(contacts):
            return Refusal(reason="no_contact")
        rules, part = judgement.requirement.rules, FACTORS[kind]
        context = self.proving.context(caller, rules, purpose="contact", account=judgement.account, contacts=contacts)
        draft = await asyncio.to_thread(part.draft, context, phone=contacts.phone)
        if isinstance(draft, Rejected):
            return Refusal(reason=draft.reason)
        return await self.proving.issue(caller, context, factor=kind, data=draft.data, target="contact")

    async def verify_contact(self, caller: Caller, *, kind: str, response: object) -> Refusal | None:
        """The code that came to the contact on file: this browser may enroll for a quarter of an hour."""
        judgement = await self.judge.own(caller)
        rules = judgement.requirement.rules
        if kind not in FACTORS or not TRAITS[kind].contact:
            return Refusal(reason="not_found")
        # They sign in elsewhere with a second factor: a stolen session has nothing to guess at here.
        if judgement.standing is not None and judgement.standing.upstream:
            return Refusal(reason="proof_required")
        part = FACTORS[kind]
        read = part.read(response, rules)
        if read is None:
            return self.proving.malformed(caller)
        answer = self.engine.keyring.digest("answer", caller.subject.tenant, caller.subject.id, "contact", str(read))
        async with self.engine.turn(caller.subject.key):
            taken = await self.proving.charge(caller, rules, answer)
            if not isinstance(taken, Charge):
                return taken if isinstance(taken, Refusal) else None
            account = await self.engine.store.load(caller.subject.key)
            context = self.proving.context(caller, rules, purpose="contact", account=account)
            open_ones: list[Challenge] = [
                c for c in account.challenges if c.purpose == "contact" and c.browser == caller.handle
            ]
            outcome = part.verify(context, data={}, challenges=open_ones, response=read)
            if isinstance(outcome, Rejected):
                return await self.proving.fail(caller, rules, taken, kind, outcome)
            moment = self.engine.moment(network=caller.network)
            return await self.engine.change(
                caller.subject.key,
                lambda current: changes.grant_leave(
                    current,
                    moment,
                    rules,
                    taken=taken,
                    challenge=outcome.challenge,
                    browser=caller.handle,
                    factor=kind,
                ),
            )

    async def redeem_ticket(self, caller: Caller, ticket: str) -> Refusal | None:
        """An administrator's ticket (128 bits: not to be guessed, so it costs no attempt)."""
        text = "".join(ticket.split()).upper().replace("-", "")[:64]
        mine = self.engine.keyring
        key = caller.subject.key
        moment = self.engine.moment(network=caller.network)

        def step(account: Account) -> changes.Change[Refusal | None]:
            stored = account.ticket.digest if account.ticket else mine.digest("ticket", "none")
            digest = mine.digest("ticket", key.tenant, key.id, text, key_id=mine.key_of(stored))
            matches = hmac.compare_digest(digest, stored)
            return changes.redeem_ticket(account, moment, matches=matches, browser=caller.handle)

        return await self.engine.change(key, step)

    async def skip(self, caller: Caller) -> Refusal | None:
        """Put enrollment off for this sign-in."""
        judgement = await self.judge.own(caller)
        moment = self.engine.moment(network=caller.network)
        requirement = judgement.requirement

        def step(account: Account) -> changes.Change[Refusal | None]:
            now = max(moment.now, account.seen_at)
            standing = self.judge.standing(caller, account, requirement, now)
            return changes.skip(account, moment, caller, decision=decide(requirement, standing, now))

        return await self.engine.change(caller.subject.key, step)


def _draft(account: Account, caller: Caller, id: str, factor: str, now: int) -> Enrollment | None:
    """The caller's own draft; one of another browser is an unknown one."""
    for draft in account.enrollments:
        if (
            draft.browser == caller.handle
            and now < draft.expires_at
            and (draft.id == id or (not id and draft.factor == factor))
        ):
            return draft
    return None


__all__ = ["BACKUP", "LEAVE_LIFE", "Enrolled", "Enrolling", "Enrollments", "Verified"]
