"""Turn organizations on as their administrators would, for ``--ready``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mfa_gate.core.model import SubjectKey
from mfa_gate.service.accounts import Engine

__all__ = ["TURNED_ON", "turn_on"]

TURNED_ON = ("practice", "clinic")


async def turn_on(engine: Engine, tenants: Sequence[str]) -> None:
    """Turn each of ``tenants`` on from now on.

    Its line of the trail is chained like any other.

    One that is on already stays as it is. No factors are picked: users may choose all that the policy allows. Raises
    ``StoreUnavailable``.
    """
    store = engine.store
    for tenant in tenants:
        while not (settings := await store.settings(tenant)).enabled_at:
            moment = engine.moment(actor="operator:--ready")
            event = moment.event("tenant.enabled", SubjectKey(tenant, ""))
            # False: another worker was faster, and the next look finds it on.
            await store.swap_settings(replace(settings, enabled_at=moment.now), engine.chained([event]))
