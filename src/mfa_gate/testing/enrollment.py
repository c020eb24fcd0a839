"""Enroll people without walking a test through the pages, and answer for them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..core.changes import Change
from ..core.changes.enroll import free_label
from ..core.entropy import draw_id
from ..core.model import Account, Authenticator, Caller, Challenge, Contacts, Fields, Subject
from ..factors.base import Accepted, Context, Factor, Issue, Rejected, options_in
from ..factors.totp import TotpRules
from .outbox import Outbox
from .stores import require_test_store

if TYPE_CHECKING:
    from ..gate import MFAGate
    from .softkey import SoftKey

__all__ = ["Enrolled", "enrolled"]

EMAIL = "person@example.test"
PHONE = "+1 202-555-0100"
"""The contacts of a host that has nothing on file."""


@dataclass(slots=True, kw_only=True)
class Enrolled:
    """Hold one confirmed authenticator of a subject, and the things of its owner.

    ``id`` is the authenticator's. ``secret`` is an app's (base32), ``to`` the address of codes, ``key`` a passkey's device,
    ``backup_codes`` those that ``code()`` has not handed out yet.
    """

    gate: MFAGate = field(repr=False)
    subject: Subject
    factor: str
    id: str
    secret: str = field(default="", repr=False)
    to: str = ""
    key: SoftKey | None = None
    backup_codes: list[str] = field(default_factory=list, repr=False)
    _step: int = 0

    def code(self) -> str:
        """Return a code that is right now, and that this object has not handed out before.

        An app has one code a time step, and the next step's may be used too: a third within a step raises ``LookupError``
        (advance the clock). For e-mail, text message and call it is the last code that was sent.
        """
        if self.secret:
            return self._app_code()
        if self.to:
            return outbox_of(self.gate).last_code(self.to)
        if self.backup_codes:
            return self.backup_codes.pop(0)
        raise LookupError(
            f"{self.factor} has no code to type; answer with answer(public_key)" if self.key else "no code"
        )

    def answer(self, public_key: Mapping[str, Any]) -> dict[str, Any]:
        """Return a passkey's answer to the ``public_key`` of a challenge."""
        if self.key is None:
            raise LookupError(f"{self.factor} is no passkey; answer with code()")
        return self.key.get(public_key)

    def _app_code(self) -> str:
        import pyotp

        rules = options_in(self.gate.service.engine.rules(self.subject.tenant), self.factor, TotpRules)
        now = self.gate.service.engine.now() // rules.period
        step = max(now, self._step + 1)
        if step > now + rules.drift_steps:
            raise LookupError(f"every code of this time step was handed out: advance the clock by {rules.period} s")
        self._step = step
        return pyotp.HOTP(self.secret, digits=rules.digits).at(step)


async def enrolled(
    gate: MFAGate,
    subject: Subject,
    factor: str = "totp",
    *,
    email: str = "",
    phone: str = "",
    label: str = "",
) -> Enrolled:
    """Give ``subject`` one more confirmed authenticator of the kind ``factor``.

    Nothing is sent and no event is written. ``email`` and ``phone`` stand in for the host's record. Raises ``ValueError`` for
    a kind that cannot be made so, or if the factor refuses (e.g. a number that the policy does not accept), and
    ``RuntimeError`` if the gate's store outlives the test.
    """
    factors = gate.service.engine.factors
    part = factors.get(factor)
    if part is None:
        raise ValueError(f"{factor!r} is no kind of factor; there are {', '.join(factors)}")
    require_test_store(gate)
    await gate.web.open()
    engine = gate.service.engine
    rules = engine.rules(subject.tenant)
    known = await engine.contacts(subject)
    contacts = Contacts(name=known.name, email=email or known.email or EMAIL, phone=phone or known.phone or PHONE)
    caller = Caller(subject=subject, handle="", network="")
    account = await engine.store.load(subject.key)
    context = gate.service.challenges.context(caller, rules, purpose="enroll", account=account, contacts=contacts)
    draft = part.draft(context, phone=contacts.phone)
    if isinstance(draft, Rejected):
        raise ValueError(f"{factor}: {draft.reason} {draft.detail}".strip())
    shown = part.show(context, draft.data)
    made = Enrolled(gate=gate, subject=subject, factor=factor, id=draw_id(secrets.token_bytes(32), "authenticator"))
    made.secret = shown.get("secret", "")
    made.backup_codes = shown.get("codes", "").split()
    data = draft.data
    if factors.traits[factor].sends:
        made.to = contacts.email if factors.traits[factor].contact == "email" else contacts.phone
    elif factors.traits[factor].needs_challenge:
        data = await _by_ceremony(made, part, context, data)

    def step(current: Account) -> Change[None]:
        mine = Authenticator(
            id=made.id,
            factor=factor,
            label=free_label(current, label or draft.label),
            created_at=engine.now(),
            data=data,
        )
        kept = tuple(a for a in current.authenticators if not (factors.traits[factor].single and a.factor == factor))
        default = current.default or ("" if factors.traits[factor].backup else made.id)
        changed = replace(current, authenticators=(*kept, mine), default=default)
        return Change(account=changed, events=(), answer=None)

    await engine.change(subject.key, step)
    return made


async def _by_ceremony(made: Enrolled, part: Factor, context: Context, data: Fields) -> Fields:
    """Let a soft key answer the factor's own challenge."""
    from .softkey import SoftKey

    issue = part.issue(context, data)
    asked = issue.show.get("public_key") if isinstance(issue, Issue) else None
    if not isinstance(issue, Issue) or not isinstance(asked, dict):
        raise ValueError(f"{made.factor}: this kit has no device for it; enroll it through the pages")
    made.key = SoftKey(origin=context.origins[0])
    challenge = Challenge(
        id="kit",
        factor=made.factor,
        purpose="enroll",
        target="",
        browser="",
        issued_at=context.now,
        expires_at=context.now + issue.ttl,
        data=issue.data,
    )
    response = part.read(made.key.create(asked), context.rules)
    outcome = part.verify(context, data=data, challenges=[challenge], response=response)
    if not isinstance(outcome, Accepted):
        raise ValueError(f"{made.factor}: the ceremony failed ({outcome.reason})")
    if outcome.claim:
        await made.gate.service.engine.store.claim(outcome.claim, made.subject.key)
    return outcome.data


def outbox_of(gate: MFAGate) -> Outbox:
    """Return the outbox among the gate's senders. Raises ``LookupError`` if there is none."""
    senders = gate.service.engine.wiring.senders
    for sender in (senders.email, senders.sms, senders.voice, senders.push):
        if isinstance(sender, Outbox):
            return sender
    raise LookupError("the gate has no Outbox: pass senders=Outbox().senders(), or use Kit(gate).taken_over()")
