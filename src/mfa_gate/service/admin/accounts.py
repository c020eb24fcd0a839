"""The accounts of a tenant: look at them, and act on one.

Each act checks the rights first, then does one load, one step and one swap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ...core.break_glass import DEFAULT_HOURS
from ...core.changes import Change, keep, two_people
from ...core.changes.life import pseudonym_of
from ...core.events import Event
from ...core.messages.letter import N_
from ...core.model import Account, SubjectKey
from ...core.person_line import Strength, line_of
from ...core.reasons import Refusal
from ...core.roles import names_no_person
from ...core.rules import DAY
from ...errors import DamagedAccount
from ...storage import take_one
from ..accounts import Engine
from ..erasure import empty_damaged, erase, erase_beside, was_here
from ..kept_forms import drop_forms
from .account_changes import change_and_release, draw_ticket
from .actions import ACTIONS, Action, Given
from .damaged_accounts import discard
from .documents import AccountDocument, account_document
from .hierarchy import ABOVE, Hierarchy
from .rights import A_PERSON, Actor, Rights
from .ticket_mails import TicketMails

NO_PERSON = N_("In the audit trail, this is the name of an operator or a program. Only an operator can erase it.")
SPENT = Refusal(
    reason="too_soon",
    detail="That is as many people as one administrator signs out in a day; a privileged one signs out a whole organization.",
)
RECENT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A finished act.

    ``account`` is None for an actor who may not look, or if nobody asked for it. ``ticket`` is shown this once, and ends at
    ``ticket_ends_at`` (UTC seconds). It is "" where it was mailed to the masked address ``mailed_to``; ``not_sent`` is the
    word for a mail that was not delivered. ``pseudonym`` stands for a person who was erased. ``waits``: nothing is done
    yet, the act waits for a second administrator. ``idle`` is the word of a person for whom the act had nothing to do.
    ``is_new``: nobody with this id was ever here, so it may be mistyped.
    """

    account: AccountDocument | None
    ticket: str = ""
    ticket_ends_at: int = 0
    mailed_to: str = ""
    not_sent: str = ""
    pseudonym: str = ""
    waits: bool = False
    idle: str = ""
    is_new: bool = False


Idle = Callable[[Account, int], str]
"""Tells for an account, at a time, the word of an act that has nothing to do there, "" where it has."""


class AccountDesk:
    """Use cases of administrators on accounts."""

    def __init__(self, engine: Engine, rights: Rights) -> None:
        self.engine = engine
        self.rights = rights
        self.hierarchy = Hierarchy(engine)
        self.ticket_mails = TicketMails(engine)

    async def account(self, actor: Actor, key: SubjectKey, *, recent: bool = False) -> AccountDocument | Refusal:
        """Return one account.

        ``recent``: with its newest lines of the trail, for an actor who may read the trail.
        """
        refusal = await self.rights.permit(actor, "look", key, changing=False)
        if refusal is not None:
            return refusal
        account = await self.engine.load(key)
        if account.is_unknown:
            return Refusal(reason="not_found")
        activity: tuple[Event, ...] | None = None
        if recent and self.rights.has(actor, "audit", key.tenant):
            page = await self.engine.store.events(key.tenant, account=key.id, limit=RECENT)
            activity = tuple(page.items)
        listed = not account.holds_rights and await self.hierarchy.lists(key)
        document = self._document(account, actor, activity, listed=listed)
        reason = "" if activity is None else await self._lock_reason(account)
        return replace(document, line=line_of(account, Strength(), self.engine.now()), lock_reason=reason)

    async def _lock_reason(self, account: Account) -> str:
        """Return the reason of an administrator's lock, which only the trail has."""
        key, lock = account.key, account.lock
        if lock is None or lock.cause != "administrator":
            return ""
        page = await self.engine.store.events(key.tenant, account=key.id, kind="account.locked", limit=1)
        return next((event.reason for event in page.items if event.id == lock.ref), "")

    async def act(
        self,
        actor: Actor,
        name: str,
        key: SubjectKey,
        *,
        reason: str = "",
        ticket: str = "",
        hours: int = DEFAULT_HOURS,
        ref: str = "",
        authenticator: str = "",
        browser: str = "",
        mail: bool = False,
        new_tenant: bool = False,
        drawn: bool = True,
        is_dry: bool = False,
        idle: Idle | None = None,
    ) -> Done | Refusal:
        """Do the act of the row ``name`` to one account, if the actor may.

        A name without a row is refused (404). People who hold rights are administered by the privileged only, and some acts
        on them wait for a second administrator. ``mail``: send a ticket to the person's address. ``new_tenant``: the operator
        may begin a tenant that nobody knows yet. ``drawn``: answer with the account, for an actor who may look. ``is_dry``: only
        try it, and write nothing. ``idle`` says for which accounts nothing is done.
        """
        action = ACTIONS.get(name)
        if action is None:
            return Refusal(reason="not_found")
        refusal = await self.rights.permit(actor, action.right, key, changing=True)
        if refusal is not None:
            return refusal
        if action.unknown and not new_tenant:
            refusal = await self.rights.misnamed(actor, key.tenant)
        if refusal is not None:
            return refusal
        if action.by_person and actor.token is not None:
            return await self.rights.deny(actor, key, Refusal(reason="not_allowed", detail=A_PERSON))
        if action.erases and not actor.is_operator and names_no_person(key.id):
            return await self.rights.deny(actor, key, Refusal(reason="not_allowed", detail=NO_PERSON))
        is_bounded = action.a_day > 0 and not self.rights.is_privileged(actor)
        if (mail or is_bounded) and idle is not None and (word := idle(await self.engine.load(key), self.engine.now())):
            return Done(account=None, idle=word)  # no mail, and no person of the day, is counted
        if is_bounded and not is_dry and (refusal := await self._spent(actor, action)):
            return refusal
        to = await self.ticket_mails.address(key, is_dry=is_dry) if mail else ""
        if isinstance(to, Refusal):
            return to
        made, digest = draw_ticket(self.engine, key) if action.gives_ticket else ("", "")
        rules, moment = self.engine.rules(key.tenant), self.rights.moment(actor)
        given = Given(
            moment=moment,
            by=actor.hand,
            hold=int(rules.recovery.hold),
            life=int(rules.enrollment.ticket_life),
            traits=self.engine.factors.traits,
            digest=digest,
            pseudonym=pseudonym_of(moment),
            reason=reason,
            ticket=ticket,
            hours=hours,
            ref=ref,
            authenticator=authenticator,
            browser=browser,
            mail=bool(to),
        )
        is_person = actor.is_operator or not action.erases or await was_here(self.engine, key)
        change = await self._change(actor, action, key, given, is_dry=is_dry, idle=idle)
        if change.answer is ABOVE and not is_dry:
            return await self.rights.deny(actor, key, ABOVE)
        account, waits = change.account, any(event.kind == "act.asked" for event in change.events)
        if change.answer is None and not change.events and idle is not None:
            return Done(account=None, idle=idle(account, moment.now))
        if change.answer is not None or is_dry:
            return change.answer or Done(account=None, waits=waits)
        pseudonym = await self._follow(actor, action, key, change, given, is_person=is_person)
        ticket_ends_at, sent = account.ticket.expires_at if made and account.ticket else 0, ("", "")
        if to and ticket_ends_at:
            sent = await self.ticket_mails.send(key, made, to=to, ends_at=ticket_ends_at, ref=change.events[0].id)
        # The account was loaded once, for the change. The answer shows the account that was written.
        shown = drawn and not pseudonym and self.rights.has(actor, "look", key.tenant)
        return Done(
            account=self._document(account, actor) if shown else None,
            ticket="" if sent[0] else made,
            ticket_ends_at=ticket_ends_at,
            mailed_to=sent[0],
            not_sent=sent[1],
            pseudonym=pseudonym,
            waits=waits,
            is_new=not account.version,
        )

    async def _spent(self, actor: Actor, action: Action) -> Refusal | None:
        """Count one person of the actor's day.

        Returns the refusal if there were as many as the row allows.
        """
        who = (
            self.engine.bucket(action.name, actor.caller.subject.key) if actor.caller else f"{action.name}:{actor.name}"
        )
        wait = await take_one(self.engine.store, who, limit=action.a_day, window=DAY, now=self.engine.now())
        return replace(SPENT, retry_after=wait) if wait else None

    async def _change(
        self,
        actor: Actor,
        action: Action,
        key: SubjectKey,
        given: Given,
        *,
        is_dry: bool = False,
        idle: Idle | None = None,
    ) -> Change[Refusal | None]:
        """Run the step of ``action``, or ask for it where two people are needed.

        An account that is ``idle`` stays as it is. Claims of removed authenticators are released after the commit.
        """
        listed = not actor.is_operator and await self.hierarchy.lists(key)

        def step(account: Account) -> Change[Refusal | None]:
            if idle is not None and idle(account, given.moment.now):
                return keep(account, None)
            if account.is_unknown and not action.unknown:
                return keep(account, Refusal(reason="not_found"))
            if actor.is_operator or not self.hierarchy.covers(account, listed=listed):
                return action.step(account, given)
            if not self.rights.is_privileged(actor):
                return keep(account, ABOVE)
            return _asked_first(action, account, given) if action.needs_two else action.step(account, given)

        if is_dry:
            return step(await self.engine.load(key))
        try:
            return await change_and_release(self.engine, key, step)
        except DamagedAccount as error:
            if not action.erases or not actor.is_operator or not given.reason:
                raise
            made = await empty_damaged(
                self.engine, key, error, given.moment, pseudonym=given.pseudonym, reason=given.reason
            )
            return Change(account=made.account, events=made.events, answer=None)

    async def _follow(
        self,
        actor: Actor,
        action: Action,
        key: SubjectKey,
        change: Change[Refusal | None],
        given: Given,
        *,
        is_person: bool,
    ) -> str:
        """Do what follows an act after its commit.

        Returns the pseudonym of a person who was erased, else "".
        """
        if action.drops_forms:
            await drop_forms(self.engine, key)
        forgotten = next((event.id for event in change.events if event.kind == "account.forgotten"), "")
        if (not forgotten and not action.erases) or change.account.asked is not None:
            return ""
        if not actor.is_operator and not change.account.version:
            # Such an id may be any word. The trail would lose that word, or the name of somebody who acts elsewhere.
            await erase_beside(self.engine, key)
            return ""
        again = self.rights.moment(actor)
        count = await erase(self.engine, key, again, pseudonym=given.pseudonym, until=forgotten, is_person=is_person)
        return given.pseudonym if forgotten or count else ""

    async def discard(self, actor: Actor, key: SubjectKey, *, ticket: str, reason: str) -> Refusal | None:
        """Begin anew one account whose record cannot be read; needs a ticket and a reason.

        Nobody can read if it is of a person who holds rights, and it cannot keep a request for a second administrator. So
        only the operator at the store does it.
        """
        refusal = await self.rights.permit(actor, "reset", key, changing=True)
        if refusal is None and not actor.is_operator:
            refusal = await self.rights.deny(actor, key, ABOVE)
        return refusal or await discard(self.engine, self.rights.moment(actor), key, ticket=ticket, reason=reason)

    def _document(
        self,
        account: Account,
        actor: Actor,
        activity: tuple[Event, ...] | None = None,
        *,
        listed: bool = False,
    ) -> AccountDocument:
        return account_document(
            account,
            actor=actor,
            rules=self.engine.rules(account.key.tenant),
            now=self.engine.now(),
            activity=activity,
            holds_rights=listed,
            privileged=self.rights.is_privileged(actor),
        )


def _asked_first(action: Action, account: Account, given: Given) -> Change[Refusal | None]:
    """Ask for an act that takes two, if it could be done now.

    The step is tried on the account, and its result is dropped: an act that would be refused is refused at once.
    """
    tried = action.step(account, given)
    if tried.answer is not None or not tried.events:
        return keep(account, tried.answer)
    return two_people.ask(
        account,
        given.moment,
        act=action.name,
        by=given.by,
        reason=given.reason,
        ticket=given.ticket,
        item=given.authenticator,
    )
