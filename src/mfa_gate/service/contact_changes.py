"""Contacts that have changed on the host's record since a factor copied them.

A person is told, and confirms the new one in the place of the old one (decisions 43).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from ..core.model import NOTHING_ON_FILE, Account, Caller, Fields
from ..core.rules import Rules
from ..factors.base import Context
from ..factors.codes import masked_email, masked_phone
from ..factors.optional_parts import CopiesContact, is_moved
from ..keyring import Unopened
from .access import Judgement
from .accounts import Engine
from .challenges import Challenges

log = logging.getLogger("mfa_gate")

TOLD_FOR = 7 * 86_400
"""Seconds for which the earlier contact still gets the notices that go to every contact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """An authenticator whose contact is not the one on file, which ``now`` shows."""

    id: str
    factor: str
    now: str


class ContactChanges:
    """The comparison of the copies of a person's contacts with the host's record."""

    def __init__(self, engine: Engine, challenges: Challenges) -> None:
        self.engine = engine
        self.challenges = challenges

    async def of(self, caller: Caller, judgement: Judgement) -> tuple[Moved, ...]:
        """List the authenticators whose contact is not that on file.

        The host is asked only for a person who has such an authenticator. One of another kind of contact, or where
        nothing is on file, is left out: there is nothing to change to.
        """
        account, rules = judgement.account, judgement.requirement.rules
        if account is None or not any(self._is_from_record(a.factor, rules) for a in account.authenticators):
            return ()
        contacts = await self.engine.contacts(caller.subject)
        context = self.challenges.context(caller, rules, purpose="sign-in", account=account, contacts=contacts)
        return tuple(
            Moved(id=a.id, factor=a.factor, now=self._shown(context, a.factor))
            for a in account.authenticators
            if a.factor in judgement.requirement.factors and self._is_old(context, a.factor, a.data)
        )

    async def offered(self, caller: Caller, judgement: Judgement) -> tuple[Moved, ...]:
        """List as ``of`` does, and nothing where the host does not tell the contacts."""
        try:
            return await self.of(caller, judgement)
        except Exception as error:
            log.warning("contacts could not be compared, because the host's contacts failed: %s", error)
            return ()

    def replaced_by(self, context: Context, factor: str) -> str:
        """Return the id of the authenticator whose place a new one takes, "" for none."""
        return next((a.id for a in context.known if a.factor == factor and self._is_old(context, factor, a.data)), "")

    def heir(self, account: Account, replaces: str, factor: str, data: Fields, now: int) -> Fields:
        """Return the data of a new authenticator, with the contact before it."""
        part, old = self._copies(factor), account.authenticator(replaces)
        return part.heir(data, old.data, now + TOLD_FOR) if part is not None and old is not None else data

    def _is_from_record(self, factor: str, rules: Rules) -> bool:
        part = self._copies(factor)
        return part is not None and part.on_file(rules, NOTHING_ON_FILE) is not None

    def _copies(self, factor: str) -> CopiesContact | None:
        part = self.engine.factors.get(factor)
        return part if isinstance(part, CopiesContact) else None

    def _is_old(self, context: Context, factor: str, data: Fields) -> bool:
        part = self._copies(factor)
        if part is None or not part.on_file(context.rules, context.contacts):
            return False
        try:
            return is_moved(part, context.rules, context.contacts, part.copy_of(context, data))
        except Unopened:
            return False

    def _shown(self, context: Context, factor: str) -> str:
        """Write the contact on file as the page shows it."""
        part = self._copies(factor)
        present = part.on_file(context.rules, context.contacts) if part else None
        if not present or not context.rules.factors.mask:
            return present or ""
        return masked_email(present) if "@" in present else masked_phone(present)
