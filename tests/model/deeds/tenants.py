"""All proofs of a tenant are ended by one act."""

from __future__ import annotations

from ..deed import Deed
from ..rules import TENANTS
from ..stage import OPERATOR, Stage


def end_proofs_of_tenant(life: Stage, tenant: str) -> None:
    """End every proof and every grant that was given before. What comes later counts."""
    desk = life.worlds[0].gate.service.tenant_desk
    done = life.run(desk.end_proofs(OPERATOR, tenant, reason="x", confirm=tenant))
    assert done is None, done
    life.expected["tenant.proofs_ended"] += 1
    for (_, where), person in life.people.items():
        if where == tenant:
            person.end_with_tenant()


DEEDS = (Deed(end_proofs_of_tenant, {"tenant": sorted(TENANTS)}, often=0.5),)
