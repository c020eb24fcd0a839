"""Compare the tenants of the policy with those of the host's directory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from ...service.directory import people_of
from .verdicts import Line

if TYPE_CHECKING:
    from ...gate import MFAGate


async def tenants_of(gate: MFAGate) -> AsyncIterator[Line]:
    """Report tenants of the policy of which the host's directory lists nobody.

    Such a name is often a typing mistake: the real tenant then has the rules of the file.
    """
    engine = gate.service.engine
    policy, directory = engine.policy, engine.wiring.directory
    if not policy.tenants or directory is None:
        return
    strangers = [tenant for tenant in policy.tenants if await people_of(directory, tenant) == ()]
    for tenant in strangers:
        line = policy.lines.get(("tenants", tenant), 0)
        where = f"line {line}: " if line else ""
        text = f"{where}tenants.{tenant}: the host's directory lists nobody there; write the tenant as the host does"
        yield Line("warning", "policy", text)
    if not strangers:
        yield Line("ok", "policy", "the host's directory lists people in each tenant that the policy names")
