"""A test that does not end is ended, and says where it is."""

from __future__ import annotations

import faulthandler
import os
import time

import pytest

LIMIT, LIMIT_SLOW = 900, 3600
"""Seconds after which a test ends the run."""
AGAIN_AFTER = 60
"""Seconds for which the quick tests share one limit: setting it starts a thread, which takes longer than many a test."""


class Watch:
    """Ends the run when a test takes longer than its limit."""

    ends_at = 0.0
    tells = 2

    def begin(self, item: pytest.Item) -> None:
        """Give a test its time. One that is marked ``long`` may take hours."""
        if item.get_closest_marker("long") is not None:
            self.stop()
            return
        limit = LIMIT_SLOW if item.get_closest_marker("slow") else LIMIT
        ends_at = time.monotonic() + limit
        if not self.ends_at <= ends_at <= self.ends_at + AGAIN_AFTER:
            faulthandler.dump_traceback_later(limit, exit=True, file=self.tells)
            self.ends_at = ends_at

    def stop(self) -> None:
        """Set no limit."""
        faulthandler.cancel_dump_traceback_later()
        self.ends_at = 0.0


watch = Watch()


def pytest_configure() -> None:
    """Keep the standard error: pytest catches it while tests run, but not now."""
    watch.tells = os.dup(2)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Start the time of a test."""
    watch.begin(item)
