"""The hierarchy: people who hold rights are administered only by the privileged.

A person holds rights if their groups gave one at the latest proof, or if the host's directory lists them with one.
"""

from __future__ import annotations

from ...core.changes.proof import gives_a_right
from ...core.messages.letter import N_
from ...core.model import Account, SubjectKey
from ...core.reasons import Refusal
from ..accounts import Engine
from ..directory import people_of

KNOWN_FOR = 60
"""Seconds for which the people with rights of a tenant, as the directory lists them, are remembered."""
MAX_TENANTS = 1_000
ABOVE = Refusal(
    reason="not_allowed",
    detail=N_("This person has administrator rights here. Only a privileged administrator can act on this account."),
)


class Hierarchy:
    """Tells who holds rights in a tenant."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._listed: dict[str, tuple[int, frozenset[str]]] = {}

    async def lists(self, key: SubjectKey) -> bool:
        """Tell if the host's directory lists the person with a right.

        A directory that does not answer lists nobody: then the account's own mark decides.
        """
        directory, now = self.engine.wiring.directory, self.engine.now()
        if directory is None:
            return False
        read_at, holders = self._listed.get(key.tenant, (now - KNOWN_FOR, frozenset[str]()))
        if not 0 <= now - read_at < KNOWN_FOR:
            roles = self.engine.rules(key.tenant).roles
            people = await people_of(directory, key.tenant)
            if people is None:
                return key.id in holders
            holders = frozenset(
                subject.id
                for subject, _ in people
                if subject.tenant == key.tenant and gives_a_right(roles, subject.groups)
            )
            if len(self._listed) >= MAX_TENANTS:
                self._listed.clear()
            self._listed[key.tenant] = (now, holders)
        return key.id in holders

    @staticmethod
    def covers(account: Account, *, listed: bool) -> bool:
        """Tell if only the privileged act on ``account``. ``listed`` is the answer of ``lists``."""
        return listed or account.holds_rights
