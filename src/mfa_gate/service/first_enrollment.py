"""Leave to enroll a first factor, or to put enrollment off.

A proven contact that the host has on file gives leave to enroll; so does an administrator's ticket.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable

from ..core import changes
from ..core.decision import decide
from ..core.model import Account, Caller, Challenge, Contacts
from ..core.reasons import Refusal
from ..core.rules import Rules
from ..factors.base import Accepted, Context, Draft, Factor, Rejected
from ..factors.optional_parts import CopiesContact
from .access import Access
from .accounts import Engine
from .attempt import Guess
from .challenges import SENT_TO, Challenges, Issued
from .verification import Verification


class Leave:
    """Use cases of a person who has the password and no second factor yet."""

    def __init__(self, engine: Engine, access: Access, challenges: Challenges, verification: Verification) -> None:
        self.engine = engine
        self.access = access
        self.challenges = challenges
        self.verification = verification

    def contact_kinds(self, contacts: Contacts) -> tuple[str, ...]:
        """List the kinds of factor by which a contact on file can be proven."""
        senders = self.engine.wiring.senders
        on_file = {"email": bool(contacts.email), "phone": bool(contacts.phone)}
        known = self.engine.factors.traits
        kinds = (
            kind for kind, t in known.items() if on_file.get(t.contact) and t.typed and senders.for_channel(t.sends)
        )
        return tuple(sorted(kinds, key=lambda kind: known[kind].contact))

    async def send_contact(self, caller: Caller, kind: str) -> Issued | Refusal:
        """Send a code to the contact on file, before a first enrollment."""
        judgement = await self.access.own(caller)
        if judgement.looked_at.holds:
            return Refusal(reason="proof_required")
        contacts = await self.engine.contacts(caller.subject)
        if kind not in self.contact_kinds(contacts):
            return Refusal(reason="no_contact")
        rules, part = judgement.requirement.rules, self.engine.factors[kind]
        account = judgement.looked_at.account
        context = self.challenges.context(caller, rules, purpose="contact", account=account, contacts=contacts)
        draft = await asyncio.to_thread(part.draft, context, phone=contacts.phone)
        if isinstance(draft, Rejected):
            return Refusal(reason=draft.reason)
        sent_to = self._destination(part, context, draft)
        return await self.challenges.issue(
            caller, context, factor=kind, data=draft.data, target="contact", sent_to=sent_to
        )

    def _destination(self, part: Factor, context: Context, draft: Draft) -> str:
        """Digest the address or number that a draft is for."""
        to = part.copy_of(context, draft.data) if isinstance(part, CopiesContact) else ""
        return self.engine.keyring.digest(SENT_TO, context.key.tenant, context.key.id, to.casefold()) if to else ""

    async def _present(self, caller: Caller, rules: Rules, kind: str) -> Callable[[Challenge], bool]:
        """Make the check that a challenge went to the contact that is on file now (decisions 66)."""
        contacts, part, key = await self.engine.contacts(caller.subject), self.engine.factors[kind], caller.subject.key
        context = self.challenges.context(caller, rules, purpose="contact", account=Account(key=key), contacts=contacts)
        draft = await asyncio.to_thread(part.draft, context, phone=contacts.phone)
        to = part.copy_of(context, draft.data) if isinstance(part, CopiesContact) and isinstance(draft, Draft) else ""

        def is_present(challenge: Challenge) -> bool:
            sent_to = str(challenge.data.get(SENT_TO, ""))
            return not sent_to or self.engine.keyring.matches(SENT_TO, sent_to, key.tenant, key.id, to.casefold())

        return is_present

    async def verify_contact(self, caller: Caller, *, kind: str, response: object) -> Refusal | None:
        """Check the code that was sent to the contact on file.

        After a right code, this browser may enroll for a quarter of an hour.
        """
        judgement = await self.access.own(caller)
        rules = judgement.requirement.rules
        if kind not in self.engine.factors or not self.engine.factors.traits[kind].contact:
            return Refusal(reason="not_found")
        # This person signs in elsewhere with a second factor. A stolen session must find nothing to guess here.
        if judgement.looked_at.upstream:
            return Refusal(reason="proof_required")
        part = self.engine.factors[kind]
        read = part.read(response, rules)
        if read is None:
            return self.verification.malformed(caller)
        answer = self.engine.keyring.digest("answer", caller.subject.tenant, caller.subject.id, "contact", str(read))
        is_present = await self._present(caller, rules, kind)

        def prepare(account: Account) -> Callable[[], Accepted | Rejected]:
            context = self.challenges.context(caller, rules, purpose="contact", account=account)
            asked: list[Challenge] = [c for c in account.challenges if c.purpose == "contact" and caller.asked(c)]

            def verify() -> Accepted | Rejected:
                outcome = part.verify(context, data={}, challenges=asked, response=read)
                answered = next((c for c in asked if isinstance(outcome, Accepted) and c.id == outcome.challenge), None)
                if answered is None or is_present(answered):
                    return outcome
                return Rejected(reason="contact_changed", free=True)

            return verify

        guess: Guess[Accepted, None] = Guess(
            caller=caller,
            rules=rules,
            factor=kind,
            answer=answer,
            prepare=prepare,
            settle=lambda current, moment, taken, outcome: changes.grant_leave(
                current,
                moment,
                rules,
                taken=taken,
                challenge=outcome.challenge,
                browser=caller.handle,
                factor=kind,
            ),
        )
        proven = await self.verification.attempts.attempt(guess)
        return proven if isinstance(proven, Refusal) else None

    async def redeem_ticket(self, caller: Caller, ticket: str) -> Refusal | None:
        """Redeem an administrator's ticket. It has 128 bits, so a guess costs no attempt.

        Raises ``keyring.Unopened`` if the ticket was made with a key that is not listed.
        """
        text = "".join(ticket.split()).upper().replace("-", "")[:64]
        mine = self.engine.keyring
        key = caller.subject.key
        moment = self.engine.moment_of(caller)

        def step(account: Account) -> changes.Change[Refusal | None]:
            stored = account.ticket.digest if account.ticket else mine.digest("ticket", "none")
            mine.require((stored,))
            digest = mine.digest("ticket", key.tenant, key.id, text, key_id=mine.key_of(stored))
            matches = hmac.compare_digest(digest, stored)
            return changes.redeem_ticket(account, moment, matches=matches, browser=caller.handle)

        return await self.engine.change(key, step)

    async def skip(self, caller: Caller) -> Refusal | None:
        """Put enrollment off for this sign-in."""
        judgement = await self.access.own(caller)
        moment = self.engine.moment_of(caller)
        requirement = judgement.requirement

        def step(account: Account) -> changes.Change[Refusal | None]:
            now = max(moment.now, account.seen_at)
            evidence = self.access.evidence(caller, account, requirement, now)
            return changes.skip(account, moment, caller, decision=decide(requirement, evidence, now))

        return await self.engine.change(caller.subject.key, step)
