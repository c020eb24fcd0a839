"""The people of a tenant: listed by the host, not enrolled yet, or out of reach."""

from __future__ import annotations

from collections.abc import Iterable

from ...core.model import Contacts, Subject, SubjectKey
from ...core.roles import has_right
from ..accounts import Engine
from ..directory import people_of

MAX_REMINDED = 10_000
PIECE = 200


class TenantPeople:
    """The people of a tenant, as the store and the host's directory list them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def missing(self, tenant: str) -> tuple[SubjectKey, ...]:
        """List the first ten thousand people of a tenant who have nothing set up.

        They are known to us or to the host's directory. A person who signs in elsewhere with a second factor that the
        policy trusts needs nothing.
        """
        found: dict[SubjectKey, None] = {}
        after, store = "", self.engine.store
        trusting = self.engine.rules(tenant).freshness.trusts_logins
        while len(found) < MAX_REMINDED:
            page = await store.page(tenant, status="not_enrolled", after=after, limit=PIECE)
            keys = [summary.key for summary in page.items]
            found |= dict.fromkeys([key for key in keys if not trusting or not (await store.load(key)).logins])
            after = page.next
            if not after:
                break
        for subject, _ in await self.known(tenant) or ():
            if len(found) < MAX_REMINDED and subject.tenant == tenant and subject.key not in found:
                account = await store.load(subject.key)
                if not account.authenticators and not (trusting and account.logins):
                    found[subject.key] = None
        return tuple(found)

    async def known(self, tenant: str) -> Iterable[tuple[Subject, Contacts]] | None:
        """Ask the host's directory for its people.

        Returns None if there is no directory, or if it does not answer.
        """
        return await people_of(self.engine.wiring.directory, tenant)

    async def two_administrators(self, tenant: str, people: Iterable[tuple[Subject, Contacts]]) -> bool:
        """Tell if two people with the right to unlock have set up a second step.

        Then they can let each other in.
        """
        roles, ready, known = self.engine.rules(tenant).roles, 0, self.engine.factors.traits
        for subject, _ in people:
            if subject.tenant == tenant and has_right(roles, subject.groups, "unlock"):
                account = await self.engine.store.load(subject.key)
                ready += any(a.factor in known and not known[a.factor].backup for a in account.authenticators)
            if ready >= 2:
                return True
        return False


def all_reachable(people: Iterable[tuple[Subject, Contacts]]) -> bool:
    """Tell if each person has an own e-mail address, or a number.

    An address must belong to one person only. A number may be shared.
    """
    owners: dict[str, str] = {}
    for subject, contacts in people:
        email = contacts.email.strip().casefold()
        if email and owners.setdefault(email, subject.id) == subject.id:
            continue
        if not contacts.phone.strip():
            return False
    return True
