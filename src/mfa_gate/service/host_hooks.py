"""The host's hooks: called in the background after the commit.

A failure is logged and tried again. It undoes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ..core.events import Event
from ..core.model import Account
from .accounts import Engine
from .effects import HostCall, NotCalled, SubjectHook
from .hook_places import Hook, subject_of

log = logging.getLogger("mfa_gate")


class SubjectListener:
    """``on_lock``, ``on_reset``: calls the host with each event of its kinds and its subject."""

    def __init__(self, engine: Engine, name: str, kinds: tuple[str, ...], hook: SubjectHook) -> None:
        self.engine = engine
        self.name = name
        self.kinds = dict.fromkeys(kinds)
        self.hook = hook
        self._call = HostCall(name)
        engine.effects.closers.append(self._call.close)
        engine.effects.listeners.append(self)

    def wants(self, event: Event) -> bool:
        """Tell if the event is of one of this listener's kinds."""
        return event.kind in self.kinds

    async def call(self, event: Event, *, within: float) -> None:
        """Call the host's hook. Raises any exception of the hook, and those of ``HostCall.run``."""
        await self._call.run(self.hook, subject_of(event), event, within=within)

    async def call_again(self, event: Event) -> None:
        """Call the host's hook with an event that it missed. Raises as ``call`` does."""
        await self.call(event, within=self.engine.effects.again_within)

    async def __call__(self, events: Sequence[Event], account: Account) -> None:
        """Call the hook once for each of its events."""
        for event in filter(self.wants, events):
            try:
                await self.call(event, within=self.engine.effects.hook_within)
            except NotCalled as error:
                log.warning("the %s hook was not called (ref %s); it is called later: %s", self.name, event.id, error)
            except Exception:
                log.exception("the %s hook failed (ref %s); it is tried again", self.name, event.id)
                self.engine.effects.heard(self.name, event, ok=False)
            else:
                self.engine.effects.heard(self.name, event, ok=True)


def host_hooks(engine: Engine) -> list[Hook]:
    """Make the hooks that the host has wired, ready to receive missed events again."""
    wiring, found = engine.wiring, list[Hook]()
    on_event = wiring.on_event
    if on_event is not None:

        async def every(event: Event) -> None:
            await engine.effects.on_event_call.run(on_event, event, within=engine.effects.again_within)

        found.append(Hook(name="on_event", wants=lambda event: True, call=every))
    for name, kinds, hook in (
        ("on_lock", ("account.locked",), wiring.on_lock),
        ("on_reset", ("account.reset", "recovery.used"), wiring.on_reset),
    ):
        if hook is not None:
            listener = SubjectListener(engine, name, kinds, hook)
            found.append(Hook(name=name, wants=listener.wants, call=listener.call_again))
    return found
