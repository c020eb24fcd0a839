"""Ask each sender if it is reachable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from ...ports import CHANNELS, ChecksItself, Closes, Sender
from .verdicts import PATIENCE, Line

if TYPE_CHECKING:
    from ...gate import MFAGate


async def senders_of(gate: MFAGate) -> AsyncIterator[Line]:
    """Ask each sender once by its own ``check()``, however many channels it serves."""
    senders = gate.service.engine.wiring.senders
    channels: dict[int, list[str]] = {}
    parts: dict[int, Sender] = {}
    for channel in CHANNELS:
        sender = senders.for_channel(channel)
        if sender is not None:
            channels.setdefault(id(sender), []).append(channel)
            parts[id(sender)] = sender
    for key, sender in parts.items():
        name = f"{', '.join(channels[key])} ({type(sender).__name__})"
        if not isinstance(sender, ChecksItself):
            yield Line("note", "senders", f"{name} has no check(): whether it is reachable is unknown")
            continue
        try:
            fault = await _fault_of(sender)
        finally:
            if isinstance(sender, Closes):
                await sender.aclose()
        yield Line("fault" if fault else "ok", "senders", f"{name}: {fault}" if fault else f"{name} answers")
    if not parts:
        yield Line("note", "senders", "there are none: nothing can be sent")


async def _fault_of(sender: ChecksItself) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            return await sender.check()
    except Exception as error:
        return f"its check failed: {type(error).__name__}"
