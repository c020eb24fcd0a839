"""The impact of the policy in force, for administrators: from the records of report-only."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ...core.model import Contacts, SubjectKey
from ...core.reasons import Refusal
from ...core.report import Part
from ...core.rules import Policy
from ..accounts import Engine
from ..directory import people_of
from ..impact import Replay, replay
from ..report_archive import ReportArchive
from .rights import Actor, Rights


@dataclass(frozen=True, slots=True)
class Impact:
    """The replay of a tenant's records under the policy in force."""

    policy: Policy
    found: Replay
    parts: list[Part]


class ImpactDesk:
    """The use case of readers of the impact. An administrator needs the right ``audit``."""

    def __init__(self, engine: Engine, rights: Rights, archive: ReportArchive) -> None:
        self.engine = engine
        self.rights = rights
        self.archive = archive

    async def read(self, actor: Actor, tenant: str) -> Impact | Refusal:
        """Replay all kept records of a tenant.

        Contacts come from the host's directory, if there is one.
        """
        refusal = await self.rights.permit(actor, "audit", SubjectKey(tenant, ""), changing=False)
        if refusal is not None:
            return refusal
        engine = self.engine
        parts = await self.archive.parts(tenant)
        people = await people_of(engine.wiring.directory, tenant)
        contacts: dict[SubjectKey, Contacts] | None = None
        if people is not None:
            contacts = {subject.key: mine for subject, mine in people}
        found = await asyncio.to_thread(replay, engine.policy, parts, factors=engine.factors, contacts=contacts)
        return Impact(engine.policy, found, parts)
