"""Acceptance of the store as it is: an older copy, or one with half an import."""

from __future__ import annotations

from ...core.model import SubjectKey
from .. import Service
from ..arriving import end_arrival


async def accept_contents(service: Service, *, actor: str, reason: str) -> dict[str, int]:
    """End an import that did not finish, and write one event into each tenant's trail.

    Returns the number of accounts of each tenant; the counts show a wrong or empty copy. Raises ``StoreUnavailable``.
    """
    engine, people = service.engine, dict[str, int]()
    await end_arrival(engine.store)
    for tenant in await engine.store.trails():
        moment = engine.moment(actor=actor)
        event = moment.event("offline.action", SubjectKey(tenant, ""), reason=reason, action="store accept")
        await engine.record((event,))
        people[tenant] = sum((await engine.store.counts(tenant)).values())
    return people
