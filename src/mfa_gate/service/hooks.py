"""The host's ``on_lock``: called after the commit, beside the answer; its failures are logged and undo nothing."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from ..core.events import Event
from ..core.model import Account, Subject
from .engine import Engine, log


class LockHook:
    """Listens to what was committed. A hook that failed is not called again: the trail has the event, ``on_event`` too."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        if engine.wiring.on_lock is not None:
            engine.listeners.append(self)

    def wants(self, event: Event) -> bool:
        """Locks, and nothing else."""
        return event.kind == "account.locked"

    async def __call__(self, events: Sequence[Event], account: Account) -> None:
        """Call the hook once for each lock among ``events``."""
        hook = self.engine.wiring.on_lock
        for event in events:
            if hook is None or event.kind != "account.locked":
                continue
            try:
                result = hook(Subject(id=event.account, tenant=event.tenant))
                if inspect.isawaitable(result):
                    await result
            except Exception:
                log.exception("the on_lock hook failed (ref %s)", event.id)
