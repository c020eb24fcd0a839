"""The audit trail of a tenant, for its administrators and the operator.

An administrator needs the right ``audit``.
"""

from __future__ import annotations

from ...core.model import SubjectKey
from ...core.reasons import Refusal
from ...storage import EventPage
from ..accounts import Engine
from .rights import Actor, Rights

MAX_PAGE = 200


class TrailDesk:
    """Use cases of readers of the trail."""

    def __init__(self, engine: Engine, rights: Rights) -> None:
        self.engine = engine
        self.rights = rights

    async def events(
        self, actor: Actor, tenant: str, *, account: str = "", kind: str = "", after: str = "", limit: int = 50
    ) -> EventPage | Refusal:
        """Return a page of a tenant's trail, newest first, at most ``MAX_PAGE`` lines.

        For the operator, the tenant "" means every tenant.
        """
        if tenant or not actor.is_operator:
            refusal = await self.rights.permit(actor, "audit", SubjectKey(tenant, ""), changing=False)
            if refusal is not None:
                return refusal
        size = max(1, min(limit, MAX_PAGE))
        return await self.engine.store.events(tenant, account=account, kind=kind, after=after, limit=size)
