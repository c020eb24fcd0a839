"""Tenants whose people a new policy would refuse.

Its file names every tenant there is, and has left theirs out.
"""

from __future__ import annotations

from ..core.rules import Policy
from ..storage import Store

MOST_NAMED = 20


def admits(policy: Policy, tenant: str) -> bool:
    """Tell if people of a tenant are judged under a policy, and not refused."""
    return policy.tenants_are == "open" or tenant in policy.tenants


async def forgotten_tenants(store: Store, before: Policy | None, after: Policy) -> tuple[str, ...]:
    """Name the tenants with people in the store whom ``before`` admits and ``after`` does not.

    Without a policy before, every tenant of the store counts.
    """
    if after.tenants_are != "closed":
        return ()
    missing = [tenant for tenant in await store.trails() if tenant and not admits(after, tenant)]
    return tuple(
        [
            tenant
            for tenant in missing
            if (before is None or admits(before, tenant)) and any((await store.counts(tenant)).values())
        ]
    )


def told_forgotten(tenants: tuple[str, ...]) -> str:
    """Write the fault, with its fix."""
    named = ", ".join(f'"{tenant}"' for tenant in tenants[:MOST_NAMED])
    more = f" and {len(tenants) - MOST_NAMED} more" if len(tenants) > MOST_NAMED else ""
    return (
        f'tenants_are: "closed" would refuse all people of {named}{more}, whom the store knows and the file does not name: '
        "add [tenants.NAME] for each, or restart to refuse them on purpose"
    )
