"""The clock of the machine, which a gate has unless a test gives another one."""

from __future__ import annotations

import time

__all__ = ["SystemClock"]


class SystemClock:
    """The system's clock."""

    now = staticmethod(time.time)
