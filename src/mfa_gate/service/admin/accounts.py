"""The accounts of a tenant: look at them, and act on one.

Each act checks the rights first, then does one load, one step and one swap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from ...core.break_glass import DEFAULT_HOURS
from ...core.changes import Change, keep
from ...core.events import Event
from ...core.model import Account, SubjectKey
from ...core.reasons import Refusal
from ...factors.codes import ALPHABET
from ..accounts import Engine
from .actions import ACTIONS, Action, Given
from .damaged_accounts import discard
from .documents import AccountDocument, account_document
from .rights import Actor, Rights

A = TypeVar("A")

TICKET_CHARS = 26
RECENT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A finished act.

    ``account`` is None for an actor who may not look, or if nobody asked for it. ``ticket`` is shown this once.
    """

    account: AccountDocument | None
    ticket: str = ""


class AccountDesk:
    """Use cases of administrators on accounts."""

    def __init__(self, engine: Engine, rights: Rights) -> None:
        self.engine = engine
        self.rights = rights

    async def account(self, actor: Actor, key: SubjectKey, *, recent: bool = False) -> AccountDocument | Refusal:
        """Return one account.

        ``recent``: with its newest lines of the trail, for an actor who may read the trail.
        """
        refusal = await self.rights.permit(actor, "look", key, changing=False)
        if refusal is not None:
            return refusal
        account = await self.engine.store.load(key)
        if account.is_unknown:
            return Refusal(reason="not_found")
        activity: tuple[Event, ...] | None = None
        if recent and self.rights.has(actor, "audit", key.tenant):
            page = await self.engine.store.events(key.tenant, account=key.id, limit=RECENT)
            activity = tuple(page.items)
        document = self._document(account, actor, activity)
        return document if activity is None else replace(document, lock_reason=await self._lock_reason(account))

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
        drawn: bool = True,
    ) -> Done | Refusal:
        """Do the act of the row ``name`` to one account, if the actor may.

        A name without a row is refused (404). ``drawn``: answer with the account, for an actor who may look.
        """
        action = ACTIONS.get(name)
        if action is None:
            return Refusal(reason="not_found")
        refusal = await self.rights.permit(actor, action.right, key, changing=True)
        if refusal is not None:
            return refusal
        made, digest = draw_ticket(self.engine, key) if action.gives_ticket else ("", "")
        given = Given(
            moment=self.rights.moment(actor),
            by=actor.hand,
            hold=int(self.engine.rules(key.tenant).recovery.hold),
            digest=digest,
            reason=reason,
            ticket=ticket,
            hours=hours,
            ref=ref,
        )
        found = await self._change(action, key, given)
        if isinstance(found, Refusal):
            return found
        # The account was loaded once, for the change. The answer shows the account that was written.
        shown = drawn and self.rights.has(actor, "look", key.tenant)
        return Done(account=self._document(found, actor) if shown else None, ticket=made)

    async def _change(self, action: Action, key: SubjectKey, given: Given) -> Account | Refusal:
        """Run the step of ``action``. Returns the account as it was written, or the refusal.

        Claims of removed authenticators are released after the commit.
        """

        def step(account: Account) -> Change[Refusal | None]:
            if account.is_unknown and not action.unknown:
                return keep(account, Refusal(reason="not_found"))
            return action.step(account, given)

        made = await change_and_release(self.engine, key, step)
        return made.account if made.answer is None else made.answer

    async def discard(self, actor: Actor, key: SubjectKey, *, ticket: str, reason: str) -> Refusal | None:
        """Begin anew one account whose record cannot be read; needs a ticket and a reason."""
        refusal = await self.rights.permit(actor, "reset", key, changing=True)
        return refusal or await discard(self.engine, self.rights.moment(actor), key, ticket=ticket, reason=reason)

    def _document(self, account: Account, actor: Actor, activity: tuple[Event, ...] | None = None) -> AccountDocument:
        rules, now = self.engine.rules(account.key.tenant), self.engine.now()
        return account_document(account, actor=actor, rules=rules, now=now, activity=activity)


def draw_ticket(engine: Engine, key: SubjectKey) -> tuple[str, str]:
    """Draw an enrollment ticket of 130 bits.

    Returns its text in groups of five, and its digest.
    """
    raw = engine.wiring.entropy(TICKET_CHARS)
    text = "".join(ALPHABET[byte % len(ALPHABET)] for byte in raw)
    digest = engine.keyring.digest("ticket", key.tenant, key.id, text)
    return "-".join(text[at : at + 5] for at in range(0, len(text), 5)), digest


async def change_and_release(engine: Engine, key: SubjectKey, step: Callable[[Account], Change[A]]) -> Change[A]:
    """Change an account, then release the claims of the authenticators that it no longer has.

    Returns the change that the step made. Raises as ``Engine.change``.
    """
    gone: set[str] = set()
    made: list[Change[A]] = []

    def noting(account: Account) -> Change[A]:
        change = step(account)
        gone.clear()
        gone.update(_claims(account) - _claims(change.account))
        made[:] = [change]
        return change

    await engine.change(key, noting)
    for claim in sorted(gone):
        await engine.store.release(claim, key)
    return made[0]


def _claims(account: Account) -> set[str]:
    return {str(a.data["claim"]) for a in account.authenticators if "claim" in a.data}
