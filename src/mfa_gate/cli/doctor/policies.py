"""Compare the policy of this app with the ones that the workers over its store report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...service.forgotten_tenants import forgotten_tenants
from ...service.policy_workers import PolicyWorkers
from ..hold_lines import told
from .verdicts import Line

if TYPE_CHECKING:
    from ...gate import MFAGate


async def policies_of(gate: MFAGate) -> list[Line]:
    """Report workers whose policies differ from each other, or from this one.

    Raises ``StoreUnavailable``.
    """
    workers: PolicyWorkers = gate.service.policy_workers
    apart = await workers.apart()
    if apart:
        text = f"workers over this store have different policies: {'; '.join(apart)}; roll out one file, then reload"
        return [Line("warning", "policy", text)]
    others = {one.digest[:12] for one in await workers.running() if one.digest != gate.policy.digest}
    if others:
        text = f"this policy is {gate.policy.digest[:12]}, and the running workers have {', '.join(sorted(others))}"
        return [Line("note", "policy", text)]
    return []


async def holds_of(gate: MFAGate) -> list[Line]:
    """Report the legal holds: retention removes nothing from these trails.

    Raises ``StoreUnavailable``.
    """
    holds = await gate.service.legal_holds.all()
    return [Line("note", "audit", f"a legal hold keeps the whole trail of {told(one)}") for one in holds]


async def forgotten_of(gate: MFAGate) -> list[Line]:
    """Report tenants with people in the store whom a closed policy refuses.

    Raises ``StoreUnavailable``.
    """
    left = await forgotten_tenants(gate.service.engine.store, None, gate.policy)
    named = ", ".join(left)
    text = f'tenants_are = "closed" refuses the people of {named}: add [tenants.NAME] where that is not meant'
    return [Line("warning", "policy", text)] if left else []
