"""Notices: tell people about changes to their factors, at the contacts on file."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from ..core.events import TOLD_BY, WRONG, Event, place_of
from ..core.messages.facts import near
from ..core.messages.notices import NOTICES, notice, sms_notice
from ..core.model import Account, Caller, Contacts, Fields, Subject
from ..core.rules import DAY
from ..errors import SendFailed
from ..factors.base import Context
from ..factors.optional_parts import CopiesContact, Reaches
from ..keyring import Unopened
from ..ports import Message, Sender
from ..storage import take_one
from .accounts import Engine
from .challenges import Challenges
from .disputes import Disputing
from .hook_places import Hook, subject_of
from .letters import Letters, reader_of
from .send_failures import NOTICE_WITHIN, cause_of, deliver, is_unknown
from .send_limits import Sending
from .slow_recovery import SlowRecovery

log = logging.getLogger("mfa_gate")

TEXTS_PER_DAY = 10
TOLD_FOR = 3 * DAY
"""Seconds for which a destination counts as told of an event: longer than a notice is tried again."""
Part = TypeVar("Part")
AskContacts = Callable[[], Awaitable[Contacts]]


class Notices:
    """Mails and texts about committed events.

    A notice that cannot be sent is logged; it never undoes anything (S-87, U-37).
    """

    def __init__(
        self,
        engine: Engine,
        disputing: Disputing,
        challenges: Challenges,
        sending: Sending,
        slow: SlowRecovery,
    ) -> None:
        self.engine = engine
        self.slow = slow
        self.disputing = disputing
        self.challenges = challenges
        self.sending = sending
        self.letters = Letters(engine)
        self._texting = {
            kind: part
            for kind, part in engine.factors.items()
            if part.traits.sends == "sms" and isinstance(part, Reaches)
        }
        """The factors whose numbers receive text messages."""
        email = engine.wiring.senders.email
        self._mailing = {
            kind: part
            for kind, part in engine.factors.items()
            if isinstance(part, CopiesContact)
            and engine.wiring.senders.for_channel(part.traits.sends) is email is not None
        }
        backups = [kind for kind, traits in engine.factors.traits.items() if traits.backup]
        self.kinds: dict[str, list[str] | None] = {**dict.fromkeys(NOTICES), "proof.granted": backups}
        engine.effects.listeners.append(self)

    def wants(self, event: Event) -> bool:
        """Tell if people get a notice about such an event."""
        return self._notice_kind(event) in NOTICES

    async def __call__(self, events: Sequence[Event], account: Account) -> None:
        """Send the notices: by e-mail, and by text if a number is enrolled.

        A notice that fails is sent again later by its hook.
        """
        asked: list[Contacts] = []

        async def contacts() -> Contacts:
            if not asked:
                asked.append(await self.engine.contacts(_subject(account)))
            return asked[0]

        for event in events:
            kind = self._notice_kind(event)
            if kind not in NOTICES:
                continue
            mail = partial(self.mail, account=account, contacts=contacts)
            text = partial(self.text, account=account, contacts=contacts)
            for name, tell in (("notice.email", mail), ("notice.text", text)):
                try:
                    await tell(event)
                except Exception as error:
                    log.warning("a notice (%s, ref %s) is tried again: %s", kind, event.id, cause_of(error))
                    self.engine.effects.heard(name, event, ok=False)
                else:
                    self.engine.effects.heard(name, event, ok=True)

    def hooks(self) -> list[Hook]:
        """Make the hooks that repeat notices which failed, if there is a sender.

        They run once for all applications that share the store.
        """
        senders = self.engine.wiring.senders
        found = [Hook(name="notice.email", wants=self.wants, call=self.mail, shared=True)] if senders.email else []
        return found + (
            [Hook(name="notice.text", wants=self.wants, call=self.text, shared=True)] if senders.sms else []
        )

    async def mail(self, event: Event, *, account: Account | None = None, contacts: AskContacts | None = None) -> None:
        """Send a notice to the e-mail address on file, in the person's language and time zone.

        Raises the failures that may go away with time. ``account`` is the one that was written with the event, and
        ``contacts`` asks the host for the person's contacts; a notice that is sent later asks for both anew.
        """
        kind = self._notice_kind(event)
        sender = self.engine.wiring.senders.email
        if sender is None:
            return
        found = await (contacts() if contacts else self.engine.contacts(subject_of(event)))
        account = account or await self.engine.store.load(subject_of(event).key)
        addresses = self._addresses(found, account) if NOTICES[kind].everywhere else [found.email]
        if not any(addresses):
            return
        reader = reader_of(account)
        translate = self.letters.words(reader)
        known = self.engine.factors.traits
        where = place_of(event) if event.network.startswith("=") else event.address or event.network
        places = self.engine.places
        if places is not None and (named := await places.of(event.network)):
            where = near(where, named, translate)
        letter = notice(
            kind,
            service=self.letters.service(event.tenant),
            when_text=self.letters.time(event.at, reader),
            where=where,
            browser=event.agent if kind == "browser.new" else "",
            label=translate(known[event.factor].name) if event.factor in known else "",
            owner=self.engine.rules(event.tenant).owner,
            ref=event.id,
            wrong=int(event.detail.get(WRONG, 0)),
            translate=translate,
            dispute_url=await self.disputing.url(kind, event) if NOTICES[kind].disputable else "",
            until=self.letters.time(int(event.detail["opens_at"]), reader) if "opens_at" in event.detail else "",
        )
        mails: list[Message] = []
        for place, address in enumerate(addresses):
            key = f"notice-{event.id}-{kind}" + (f"-{place}" if place else "")
            mails.append(self.letters.mail(letter, reader, to=address, tenant=event.tenant, key=key))
        await self._send_all(sender, kind, event, mails)

    async def text(self, event: Event, *, account: Account | None = None, contacts: AskContacts | None = None) -> None:
        """Send a notice by text to the enrolled numbers.

        Raises the failures that may go away with time.

        ``account`` is the one that was written with the event, and ``contacts`` asks for its person's contacts, if they
        are at hand.
        """
        kind = self._notice_kind(event)
        sender = self.engine.wiring.senders.sms
        if sender is None or not NOTICES[kind].texts:
            return
        account = account or await self.engine.store.load(subject_of(event).key)
        numbers = self._numbers(account)
        if NOTICES[kind].everywhere:
            rules = self.engine.rules(event.tenant)
            found = await (contacts() if contacts else self.engine.contacts(subject_of(event)))
            former = {kind: part for kind, part in self._texting.items() if isinstance(part, CopiesContact)}
            was = self._opened(account, former, lambda part, context, data: part.former(context, data))
            numbers += [number for number in was if number and number not in numbers]
            for one in (found, *self.slow.earlier(account)):
                on_file = [part.number_on_file(rules, one) for part in self._texting.values()]
                numbers += [number for number in on_file if number and number not in numbers]
        if not numbers:
            return
        reader = reader_of(account)
        text = sms_notice(
            kind,
            service=self.letters.service(event.tenant),
            translate=self.letters.words(reader),
            form=lambda text: self.engine.wiring.text_form(text, reader.lang),
            stop_url=await self.disputing.short_url(kind, event) if NOTICES[kind].stops else "",
        )
        messages = [
            Message(channel="sms", to=number, tenant=event.tenant, text=text, key=f"notice-{event.id}-{kind}-{place}")
            for place, number in enumerate(numbers)
        ]
        await self._send_all(sender, kind, event, messages, may_go=partial(self._may_text, account))

    async def _may_text(self, account: Account) -> bool:
        """Take one of the day's texts to a person, and its price; False if there is none left."""
        bucket, now = self.engine.bucket("notice", account.key), self.engine.now()
        if await take_one(self.engine.store, bucket, limit=TEXTS_PER_DAY, window=DAY, now=now):
            return False
        return await self.sending.pay(account.key.tenant, "sms")

    def _addresses(self, found: Contacts, account: Account) -> list[str]:
        """List the addresses of a notice that goes everywhere.

        Besides the address on file it goes to all that are known. An address that was enrolled before the
        host's record changed is known, and one that was on file when a recovery
        began to wait.
        """
        known = [found.email]
        known += self._opened(account, self._mailing, lambda part, context, data: part.copy_of(context, data))
        known += self._opened(account, self._mailing, lambda part, context, data: part.former(context, data))
        known += [one.email for one in self.slow.earlier(account)]
        return list({address.casefold(): address for address in known if address}.values())

    def _numbers(self, account: Account) -> list[str]:
        """List the numbers that are enrolled for text messages."""
        return self._opened(account, self._texting, lambda part, context, data: part.number_of(context, data))

    def _opened(
        self, account: Account, parts: Mapping[str, Part], open_one: Callable[[Part, Context, Fields], str]
    ) -> list[str]:
        """Open the destination of each authenticator of the kinds ``parts``."""
        reached = [mine for mine in account.authenticators if mine.factor in parts]
        if not reached:
            return []
        caller = Caller(subject=_subject(account), handle="", network="")
        rules = self.engine.rules(account.key.tenant)
        context = self.challenges.context(caller, rules, purpose="notice", account=account)
        found: list[str] = []
        for mine in reached:
            try:
                found.append(open_one(parts[mine.factor], context, mine.data))
            except (Unopened, KeyError):
                log.warning(
                    "the destination of the authenticator %s cannot be read, so no notice goes there: is the key that "
                    "sealed it listed in keys=?",
                    mine.id,
                )
        return list(dict.fromkeys(found))

    async def _send_all(
        self,
        sender: Sender,
        kind: str,
        event: Event,
        messages: Sequence[Message],
        *,
        may_go: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """Send the messages of one notice. Raises a failure that may go away with time.

        A destination that was reached by an earlier try gets no second copy (F-25). Neither does one that may have been
        reached (S-127). One that fails keeps no other waiting. ``may_go`` is asked before each message.
        """
        engine, told = self.engine, ""
        failed: Exception | None = None
        for message in messages:
            if len(messages) > 1:  # a single one is not tried again for another's sake
                told = f"told:{engine.keyring.digest('told', event.id, kind, message.channel, message.to)}"
                if await engine.store.total(told, window=TOLD_FOR, now=engine.now()):
                    continue
            if may_go is not None and not await may_go():
                break
            try:
                await deliver(engine.effects, sender, message, within=NOTICE_WITHIN)
            except Exception as error:
                if not isinstance(error, SendFailed) or (error.transient and not is_unknown(error)):
                    failed = error
                    continue
                log.warning("a notice (%s, ref %s) was not delivered: %s", kind, event.id, cause_of(error))
            if told:
                await take_one(engine.store, told, limit=1, window=TOLD_FOR, now=engine.now())
        if failed is not None:
            raise failed

    def _notice_kind(self, event: Event) -> str:
        """Return the kind of notice for an event, "" for none.

        It is the event's kind. A success with a backup code has a notice of its own (S-92), which tells its network as
        well. There is one mail for one thing: an event that the notice of another one tells (``TOLD_BY``) has none.
        """
        known = self.engine.factors.traits
        is_backup = event.factor in known and known[event.factor].backup
        if event.kind == "proof.granted":
            return "backup_code.used" if is_backup else ""
        if TOLD_BY in event.detail or (event.kind == "browser.new_network" and is_backup):
            return ""
        return event.kind if event.kind in NOTICES else ""


def _subject(account: Account) -> Subject:
    return Subject(id=account.key.id, tenant=account.key.tenant)
