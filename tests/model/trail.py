"""The trail of the model: what it must hold at the end of a story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from mfa_gate.service import Service

from .rules import TENANTS

TOLD = (
    "proof.granted", "attempt.failed", "attempt.refused", "account.locked", "account.unlocked", "account.reset", "account.disputed",
    "account.forgotten", "factor.enrolled", "challenge.sent", "break_glass.asked", "break_glass.granted", "break_glass.used",
    "recovery.requested", "recovery.used", "recovery.reminded", "recovery.open", "recovery.lapsed",
    "enrollment.skipped", "tenant.proofs_ended",
)  # fmt: skip
"""The kinds of events whose number in the trail the reference foretells."""


async def compare_trail(service: Service, expected: Mapping[str, int]) -> None:
    """Compare the trail of each tenant with what happened, and verify its chain."""
    told = Counter[str]()
    for tenant in TENANTS:
        after, more = "", True
        while more:
            page = await service.engine.store.trail(tenant, after=after, limit=500)
            told.update(event.kind for event in page.items)
            after, more = page.next, bool(page.items and page.next)
        verdict = await service.retention.verify(tenant)
        assert not verdict.broken, f"the trail of {tenant} is broken"
    for kind in TOLD:
        assert told[kind] == expected[kind], kind
