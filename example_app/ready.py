"""Turn organizations on as their administrators would, for ``--ready``."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

from mfa_gate.core.entropy import draw_ref
from mfa_gate.core.events import Event
from mfa_gate.storage import Store

__all__ = ["TURNED_ON", "turn_on"]

TURNED_ON = ("practice", "clinic")


async def turn_on(store: Store, tenants: Sequence[str], now: int) -> None:
    """Turn each of ``tenants`` on from ``now`` on (UTC seconds).

    One that is on already stays as it is. No factors are picked: users may choose all that the policy allows. Raises
    ``StoreUnavailable``.
    """
    for tenant in tenants:
        while not (settings := await store.settings(tenant)).enabled_at:
            event = Event(
                id=draw_ref(secrets.token_bytes(32), "event"),
                kind="tenant.enabled",
                at=now,
                tenant=tenant,
                actor="operator:--ready",
                app="example",
            )
            # False: another worker was faster, and the next look finds it on.
            await store.swap_settings(replace(settings, enabled_at=now), [event])
