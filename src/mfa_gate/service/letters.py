"""Mails in the language and time zone of their reader, with the brand of the tenant."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.messages.facts import local_time
from ..core.messages.letter import Letter, Translate
from ..core.model import Account, Subject
from ..ports import Message
from ..time_zones import zone_of
from .accounts import Engine


@dataclass(frozen=True, slots=True)
class Reader:
    """The language of a reader, and the name of the time zone; "" where it is not known."""

    lang: str = "en"
    zone: str = ""


def reader_of(account: Account) -> Reader:
    """Return the language and the zone of the browser that proved something last."""
    return Reader(account.lang or "en", account.zone)


class Letters:
    """The writer of mails to people and administrators."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def service(self, tenant: str) -> str:
        """Return the name by which the people of a tenant know the service."""
        return self.engine.rules(tenant).brand.name or self.engine.wiring.relying_party.name

    def words(self, reader: Reader) -> Translate:
        """Return the translation into the reader's language."""
        return self.engine.wiring.words(reader.lang)

    def time(self, at: int, reader: Reader) -> str:
        """Write a time (UTC seconds) in the reader's words and zone; "" for 0."""
        return local_time(at, zone_of(reader.zone), self.words(reader)) if at else ""

    async def reader(self, subject: Subject) -> Reader:
        """Look up the reader of a mail to a person. Raises ``StoreUnavailable``."""
        return reader_of(await self.engine.store.load(subject.key))

    def mail(self, letter: Letter, reader: Reader, *, to: str, tenant: str, key: str) -> Message:
        """Write a mail to one person in its form."""
        brand = self.engine.rules(tenant).brand
        made = self.engine.wiring.letter_form(letter, reader.lang, brand)
        return Message(
            channel="email", to=to, tenant=tenant, text=made.text, key=key, subject=made.subject, html=made.html
        )
