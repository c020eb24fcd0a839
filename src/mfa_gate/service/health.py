"""The health of a running gate, for the host's own probe.

It tells no secret, and nothing of any person.
"""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import Literal, TypedDict

from ..errors import SettingsError, StoreContention, StoreUnavailable
from .accounts import Engine
from .send_limits import Sending
from .store_checks import unlisted

log = logging.getLogger("mfa_gate")

StoreHealth = Literal["ok", "unavailable", "refused"]
KEPT = 1.0
"""Seconds for which the store is not asked again: anybody may ask the probe's address, as often as they like."""
PATIENCE = 2.0
"""Seconds that a probe waits for the store."""
CHANNELS: tuple[Literal["email", "sms", "voice", "push"], ...] = ("email", "sms", "voice", "push")


class PolicyHealth(TypedDict):
    """The policy in force: its name, and the beginning of its digest."""

    name: str
    digest: str


class Health(TypedDict):
    """The state of a gate.

    ``store`` is ``"unavailable"`` where it does not answer, and ``"refused"`` where the gate must not work on it: a key is
    missing, or an import has not ended. ``senders`` has each channel that has a sender: ``"paused"`` while its provider is
    in trouble.
    """

    store: StoreHealth
    senders: dict[str, Literal["ok", "paused"]]
    policy: PolicyHealth


class HealthCheck:
    """Use case of the probe."""

    def __init__(self, engine: Engine, sending: Sending) -> None:
        self._engine = engine
        self._sending = sending
        self._last: tuple[float, StoreHealth] | None = None
        self._asking: asyncio.Task[StoreHealth] | None = None

    async def look(self) -> Health:
        """Look at an opened gate."""
        return self.report(await self.of_store())

    def report(self, store: StoreHealth) -> Health:
        """Make the report of a gate whose store is as told."""
        engine = self._engine
        senders, paused = engine.wiring.senders, self._sending.paused_channels()
        return Health(
            store=store,
            senders={name: "paused" if name in paused else "ok" for name in CHANNELS if senders.for_channel(name)},
            policy=PolicyHealth(name=engine.policy.name, digest=engine.policy.digest[:12]),
        )

    async def of_store(self) -> StoreHealth:
        """Ask the store for its keys, once a second at most, however many ask here."""
        if self._last is not None and 0 <= monotonic() - self._last[0] < KEPT:
            return self._last[1]
        task = self._asking
        if task is None or task.done() or task.get_loop() is not asyncio.get_running_loop():
            task = self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(task)

    async def _ask(self) -> StoreHealth:
        found: StoreHealth = "ok"
        try:
            async with asyncio.timeout(PATIENCE):
                if await unlisted(self._engine.store, self._engine.keyring):
                    found = "refused"
        except SettingsError:
            found = "refused"
        except (StoreUnavailable, StoreContention, TimeoutError):
            found = "unavailable"
        if self._last is None or self._last[1] != found:
            log.log(logging.INFO if found == "ok" else logging.WARNING, "mfa_gate: health: the store is %s", found)
        self._last = (monotonic(), found)
        return found
