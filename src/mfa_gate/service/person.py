"""One person, for the host's own code: answers and acts outside of a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..core import attempts
from ..core.changes import Change, admin, keep
from ..core.changes.life import end_all_proofs, forget, pseudonym_of
from ..core.decision import State, state_of
from ..core.durations import seconds_of
from ..core.events import Moment
from ..core.model import Account, Caller, Subject, SubjectKey
from ..core.networks import UNKNOWN
from ..core.reasons import Refusal
from ..core.rules import DAY
from ..core.summary import summary_of
from ..errors import DamagedAccount, Refused
from .access import Access
from .admin.account_changes import change_and_release, draw_ticket
from .erasure import empty_damaged, erase
from .kept_forms import drop_forms

HOST = "host"
"""The actor in the trail, where the host's own code acts."""
MIN_TICKET_LIFE, MAX_TICKET_LIFE = 60, 30 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonStatus:
    """A person's state, as a browser that has proven nothing would find it.

    ``state`` is the contract's word: ``off`` or ``exempt`` where nothing is demanded, ``enroll``, ``challenge``,
    ``locked``; ``verified`` while a break-glass grant is in force. ``enrolled``: the person holds a second factor.
    ``factors`` are its kinds. ``browsers`` is the number of remembered browsers and clients, ``proofs`` the number of
    their proofs that still count. Times are UTC seconds, 0 where there is none.
    """

    state: State
    enrolled: bool
    factors: tuple[str, ...]
    attempts_remaining: int
    browsers: int
    proofs: int
    locked_at: int
    last_proof_at: int
    ticket_ends_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonAuthenticator:
    """One authenticator of a person, without its secret. Times are UTC seconds; 0 means never."""

    id: str
    factor: str
    label: str
    created_at: int
    last_used_at: int
    is_default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonChange:
    """An act that was done.

    ``ref`` is its line in the trail, "" where there was nothing to change.
    """

    ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentTicket:
    """Leave to enroll once.

    ``text`` is for the person and is shown this once. ``ends_at`` is in UTC seconds.
    """

    text: str
    ends_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """A person who was forgotten.

    The trail names ``pseudonym``, and ``ref`` is the line that tells of it. ``ref`` is "" where only the trail knew the
    person, and both are "" where nothing was known.
    """

    pseudonym: str
    ref: str


class Person:
    """Answers about one person, and acts on one: ``await gate.person(subject)`` makes it.

    Every act holds in all workers at once: open connections end, remembered decisions are gone. The trail names the actor
    ``host``. Each method raises ``StoreUnavailable`` if the store cannot be reached or the account's record cannot be read,
    and ``StoreContention`` if others change the account all the time; nothing was done then.
    """

    def __init__(self, subject: Subject, access: Access, *, spare: Callable[[SubjectKey], None]) -> None:
        """Take the parts. ``spare`` keeps the request that acts on its own person from being cut.

        The person is the subject, whoever acts for it. Raises ``TypeError`` for anything but a ``Subject``.
        """
        if not isinstance(subject, Subject):
            raise TypeError(f"gate.person takes a Subject, as identify returns it, not {subject!r}")
        self.subject = replace(subject, actor="")
        self._spare = spare
        self._engine = access.engine
        self._access = access

    async def status(self) -> PersonStatus:
        """Return the person's state now, for a request that no rule names. Nothing is changed."""
        engine = self._engine
        account = await engine.load(self.subject.key)
        judgement = await self._access.own(Caller(subject=self.subject, handle="", network=UNKNOWN), account=account)
        rules, summary = judgement.requirement.rules, summary_of(account)
        now = max(engine.now(), account.seen_at)
        proofs = [
            proof
            for browser in account.browsers
            for proof in browser.proofs
            if proof.epoch == account.epoch and now - proof.at < rules.freshness.max_age
        ]
        ticket = account.ticket
        return PersonStatus(
            state=state_of(judgement.decision),
            enrolled=judgement.evidence is not None and judgement.evidence.enrolled,
            factors=summary.factors,
            attempts_remaining=0 if account.lock else attempts.remaining(account.attempts, rules.attempts),
            browsers=len(account.browsers),
            proofs=len(proofs),
            locked_at=summary.locked_at,
            last_proof_at=summary.last_proof_at,
            ticket_ends_at=ticket.expires_at if ticket is not None and now < ticket.expires_at else 0,
        )

    async def authenticators(self) -> tuple[PersonAuthenticator, ...]:
        """List the person's authenticators, backup codes included."""
        account = await self._engine.load(self.subject.key)
        return tuple(
            PersonAuthenticator(
                id=mine.id,
                factor=mine.factor,
                label=mine.label,
                created_at=mine.created_at,
                last_used_at=mine.last_used_at,
                is_default=mine.id == account.default,
            )
            for mine in account.authenticators
        )

    async def end_proofs(self, reason: str) -> PersonChange:
        """End every proof of the person and a break-glass grant. The factors stay.

        Stopped forms that were kept for the person are removed. For a changed password, a disabled account, "sign out
        everywhere". ``reason`` is a line for the trail, at most 200 characters. The person is told. Raises ``ValueError``
        for a reason that is empty or no printable line.
        """
        moment = self._moment()
        done = await self._done(lambda account: end_all_proofs(account, moment, reason=reason))
        await drop_forms(self._engine, self.subject.key)
        return done

    async def reset(self, ticket: str, reason: str) -> PersonChange:
        """Remove every factor, browser and proof, so that the person enrolls anew.

        ``ticket`` is the number of the case at your help desk, ``reason`` a line for the trail; each has at most 200
        characters. A lock by an administrator stays. The person is told, and ``on_reset`` is called. Raises ``ValueError``
        for an empty ticket or reason, and ``Refused`` (``too_soon``) while a request for help is held.
        """
        moment, hold = self._moment(), self._hold()

        def step(account: Account) -> Change[Refusal | None]:
            if account.is_unknown:
                return keep(account, None)
            return admin.reset(account, moment, ticket=ticket, reason=reason, hold=hold)

        return await self._done(step)

    async def ticket(
        self, life: str | int | None = None, *, reason: str = "given by the application"
    ) -> EnrollmentTicket:
        """Make a ticket with which a person without a factor enrolls once.

        It replaces an earlier one. ``life`` is seconds or a duration such as ``"12h"``, from one minute to 30 days; None
        stands for the policy's ``enrollment.ticket_life``.
        Raises ``ValueError`` for another life. Raises ``Refused`` for a person who has a factor (``already_enrolled``) or
        whose request for help is held (``too_soon``).
        """
        usual = int(self._engine.rules(self.subject.tenant).enrollment.ticket_life)
        seconds = usual if life is None else seconds_of(life) if isinstance(life, str) else life
        if not MIN_TICKET_LIFE <= seconds <= MAX_TICKET_LIFE:
            raise ValueError(f"life={life!r}: must be from one minute to 30 days")
        __tracebackhide__ = True  # a report of a fault must not send the text
        moment, hold = self._moment(), self._hold()
        text, digest = draw_ticket(self._engine, self.subject.key)
        made = await change_and_release(
            self._engine,
            self.subject.key,
            lambda account: admin.give_ticket(account, moment, digest=digest, life=seconds, reason=reason, hold=hold),
        )
        _raise_if_refused(made.answer)
        given = made.account.ticket
        return EnrollmentTicket(text=text, ends_at=given.expires_at if given else 0)

    async def forget(self) -> Forgotten:
        """Erase everything about the person.

        Secrets, contacts, the name, browsers, proofs and the line in lists and searches are gone. In the trail of the
        tenant a pseudonym stands in the person's place, and the trail still verifies. The id starts as a new person if it
        comes back. An account whose record cannot be read is forgotten as well. After an error, call it again: it does the
        rest.
        """
        engine, moment, key = self._engine, self._moment(), self.subject.key
        pseudonym = pseudonym_of(moment)
        try:
            made = await change_and_release(engine, key, lambda account: forget(account, moment, pseudonym=pseudonym))
        except DamagedAccount as error:
            made = await empty_damaged(engine, key, error, moment, pseudonym=pseudonym)
        ref = made.answer
        count = await erase(engine, key, self._moment(), pseudonym=pseudonym, until=ref)
        return Forgotten(pseudonym=pseudonym if ref or count else "", ref=ref)

    def _moment(self) -> Moment:
        self._spare(self.subject.key)
        return self._engine.moment(actor=HOST)

    def _hold(self) -> int:
        return int(self._engine.rules(self.subject.tenant).recovery.hold)

    async def _done(self, step: Callable[[Account], Change[Refusal | None]]) -> PersonChange:
        """Do an act. Raises ``ValueError`` or ``Refused`` where the step refuses it."""
        made = await change_and_release(self._engine, self.subject.key, step)
        _raise_if_refused(made.answer)
        return PersonChange(ref=made.events[0].id if made.events else "")


def _raise_if_refused(answer: Refusal | None) -> None:
    """Raise ``ValueError`` for an argument that was given wrongly, else ``Refused``."""
    if answer is None:
        return
    if answer.reason == "malformed":
        raise ValueError(f"{answer.member}: must be one printable line of 1 to 200 characters")
    raise Refused(answer.reason, detail=answer.detail or answer.row.title, retry_after=answer.retry_after or 0)
