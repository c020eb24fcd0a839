"""All that is known of one person, and the people whom the directory no longer knows."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.events import Event
from ...core.model import Acceptance, SubjectKey
from ...core.reasons import Refusal
from ...core.summary import Summary
from ..accounts import Engine
from ..directory import people_of
from .accounts import AccountDesk
from .documents import AccountDocument
from .reviews import MAX_PAGE
from .rights import Actor, Rights

NO_DIRECTORY = "The application gives no list of its people (directory), or it did not answer."


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonData:
    """All that is known of one person, without anything secret.

    ``events`` are the lines of the trail about the person, newest first.
    """

    account: AccountDocument
    acceptances: tuple[Acceptance, ...]
    language: str
    time_zone: str
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leavers:
    """Some people who are known here and not in the directory.

    ``next`` is the cursor for more, or "".
    """

    rows: tuple[Summary, ...]
    next: str


class PersonDesk:
    """Use cases for people who leave, and for a person who asks what is known."""

    def __init__(self, engine: Engine, rights: Rights, accounts: AccountDesk) -> None:
        self.engine = engine
        self.rights = rights
        self.accounts = accounts

    async def data(self, actor: Actor, key: SubjectKey) -> PersonData | Refusal:
        """Collect all that is known of one person (GDPR 15).

        For an actor who may look and may read the trail.
        """
        refusal = await self.rights.permit(actor, "audit", key, changing=False)
        if refusal is not None:
            return refusal
        found = await self.accounts.account(actor, key)
        if isinstance(found, Refusal):
            return found
        account, events, after = await self.engine.load(key), list[Event](), ""
        while True:
            page = await self.engine.store.events(key.tenant, account=key.id, after=after, limit=500)
            events += page.items
            after = page.next
            if not after:
                break
        return PersonData(
            account=found,
            acceptances=account.acceptances,
            language=account.lang,
            time_zone=account.zone,
            events=tuple(events),
        )

    async def leavers(
        self,
        actor: Actor,
        tenant: str,
        *,
        known: frozenset[str] | None = None,
        after: str = "",
        limit: int = 50,
    ) -> Leavers | Refusal:
        """List people who have an account here and whom the directory does not know any more.

        ``known`` are the ids of the people there are; None asks the host's directory. Nobody is listed where it does not
        answer: a fault there must not look like everybody has left.
        """
        refusal = await self.rights.permit(actor, "look", SubjectKey(tenant, ""), changing=False)
        if refusal is not None:
            return refusal
        if known is None:
            people = await people_of(self.engine.wiring.directory, tenant)
            if not people:
                return Refusal(reason="not_allowed", detail=NO_DIRECTORY)
            known = frozenset(subject.id for subject, _ in people if subject.tenant == tenant)
        found, size = list[Summary](), max(1, min(limit, MAX_PAGE))
        while True:
            page = await self.engine.store.page(tenant, after=after, limit=MAX_PAGE)
            for row in page.items:
                if row.key.id not in known:
                    found.append(row)
                if len(found) == size:
                    return Leavers(rows=tuple(found), next=row.key.id)
            after = page.next
            if not after:
                return Leavers(rows=tuple(found), next="")
