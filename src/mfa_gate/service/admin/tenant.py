"""Before a tenant is turned on, and until everybody has a second step: a test message, reminders, who can be reached."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core.messages.notices import reminder, trial
from ...core.model import Contacts, Subject, SubjectKey
from ...core.reasons import Refusal
from ...core.roles import has_right
from ...core.rules import DAY
from ...errors import SendFailed
from ...ports import Message
from ..accounts import Engine
from ..send_failures import cause_of

if TYPE_CHECKING:
    from .accounts import AccountDesk, Actor

log = logging.getLogger("mfa_gate")

MAX_REMINDED = 10_000
TRIALS_PER_HOUR = 5
PIECE = 200
DIRECTORY_TIMEOUT = 10.0
REACHABLE = "Everybody has an e-mail address of their own or a mobile number on file."
TWO_ADMINISTRATORS = "At least two administrators have set up their second step."
TWO_PEOPLE = "At least two people, administrators among them, have set up their second step."


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the preparation checklist."""

    id: str
    ok: bool
    text: str


class TenantSetup:
    """Use cases of messages to a tenant's people. Who may is judged where all rights are."""

    def __init__(self, engine: Engine, account_desk: AccountDesk) -> None:
        self.engine = engine
        self.account_desk = account_desk

    async def send_trial(self, actor: Actor, tenant: str) -> Refusal | None:
        """A test message to the administrator's own address; whether it arrived only they can say (``mark_tenant``)."""
        key = SubjectKey(tenant, "")
        refusal = await self.account_desk.permit(actor, "tenant", key, changing=True)
        if refusal is not None:
            return refusal
        sender, subject = self.engine.wiring.senders.email, actor.caller.subject if actor.caller else None
        contacts = await self.engine.contacts(subject) if subject else Contacts()
        if sender is None or not contacts.email:
            return Refusal(reason="no_contact")
        now = self.engine.now()
        wait = await self.engine.store.take(f"trial:{tenant}", limit=TRIALS_PER_HOUR, window=3600, now=now)
        if wait:
            return Refusal(reason="too_soon", retry_after=wait)
        moment = self.account_desk.moment(actor)
        words = trial(service=self._service(tenant), translate=str)
        message = Message(
            channel="email",
            to=contacts.email,
            tenant=tenant,
            text=words.text,
            key=f"trial-{moment.event('tenant.message', key).id}",
            subject=words.subject,
            html=words.html,
        )
        try:
            await sender.send(message)
        except SendFailed as error:
            log.warning("a test message was not delivered: %s", cause_of(error))
            return Refusal(reason="send_failed", detail=error.reason)
        await self.engine.record((moment.event("tenant.message", key, reason="trial"),))
        return None

    async def remind(self, actor: Actor, tenant: str) -> int | Refusal:
        """A mail to everybody known who has nothing set up, once a day: how many. They go out after the answer."""
        key = SubjectKey(tenant, "")
        refusal = await self.account_desk.permit(actor, "tenant", key, changing=True)
        if refusal is not None:
            return refusal
        if self.engine.wiring.senders.email is None:
            return Refusal(reason="no_contact")
        wait = await self.engine.store.take(f"remind:{tenant}", limit=1, window=DAY, now=self.engine.now())
        if wait:
            return Refusal(reason="too_soon", retry_after=wait)
        missing = await self.missing(tenant)
        moment = self.account_desk.moment(actor)
        await self.engine.record((moment.event("tenant.message", key, reason="reminder", people=len(missing)),))
        self.engine.effects.later(self._remind(tenant, missing, moment.now))
        return len(missing)

    async def missing(self, tenant: str) -> tuple[SubjectKey, ...]:
        """Everybody known, to us or to the host's directory, who has nothing set up; the first ten thousand. Who signs in
        elsewhere with a second factor that the policy trusts needs nothing."""
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
        """Whom the host's directory lists; None where it has none, or it does not answer."""
        directory = self.engine.wiring.directory
        if directory is None:
            return None
        try:
            async with asyncio.timeout(DIRECTORY_TIMEOUT):
                return tuple(await directory(tenant))
        except Exception:
            log.exception("the host's directory did not answer for %s", tenant)
            return None

    async def people_lines(self, tenant: str, enrolled: int) -> tuple[Check, ...]:
        """The checklist's lines about people, as far as the host's directory tells: who can be reached, and whether two
        administrators could let each other in again. Without a directory: whether any two people have a second step."""
        if self.engine.wiring.directory is None:
            return (Check(id="administrators", ok=enrolled >= 2, text=TWO_PEOPLE),)
        people = await self.known(tenant)
        reachable = people is not None and all_reachable(people)
        return (
            Check(id="contacts", ok=reachable, text=REACHABLE),
            Check(
                id="administrators", ok=await self._two_administrators(tenant, people or ()), text=TWO_ADMINISTRATORS
            ),
        )

    async def _two_administrators(self, tenant: str, people: Iterable[tuple[Subject, Contacts]]) -> bool:
        roles, ready, known = self.engine.rules(tenant).roles, 0, self.engine.factors.traits
        for subject, _ in people:
            if subject.tenant == tenant and has_right(roles, subject.groups, "unlock"):
                account = await self.engine.store.load(subject.key)
                ready += any(a.factor in known and not known[a.factor].backup for a in account.authenticators)
            if ready >= 2:
                return True
        return False

    async def _remind(self, tenant: str, missing: tuple[SubjectKey, ...], at: int) -> None:
        sender = self.engine.wiring.senders.email
        public = self.engine.public()
        words = reminder(service=self._service(tenant), url=f"{public}/enroll" if public else "", translate=str)
        for key in missing:
            try:
                contacts = await self.engine.contacts(Subject(id=key.id, tenant=key.tenant))
                if sender is not None and contacts.email:
                    await sender.send(
                        Message(
                            channel="email",
                            to=contacts.email,
                            tenant=tenant,
                            text=words.text,
                            key=f"remind-{key}-{at}",
                            subject=words.subject,
                            html=words.html,
                        )
                    )
            except SendFailed as error:
                log.warning("a reminder was not delivered: %s", cause_of(error))
            except Exception:
                log.exception("a reminder was not sent")

    def _service(self, tenant: str) -> str:
        return self.engine.rules(tenant).brand.name or self.engine.wiring.relying_party.name


def all_reachable(people: Iterable[tuple[Subject, Contacts]]) -> bool:
    """Whether everybody has an e-mail address that nobody else has, or a number (which may be shared)."""
    owners: dict[str, str] = {}
    for subject, contacts in people:
        email = contacts.email.strip().casefold()
        if email and owners.setdefault(email, subject.id) == subject.id:
            continue
        if not contacts.phone.strip():
            return False
    return True
