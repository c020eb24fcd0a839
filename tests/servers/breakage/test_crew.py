"""The workers of a breakage: each is on the side of the network that the stage gave it."""

from __future__ import annotations

import os

import pytest

from .crew import Way, crew
from .network import cable


def test_a_worker_is_in_the_network_of_its_way() -> None:
    """A worker of the smaller side is on that side, whatever process it was forked from."""
    if os.geteuid() != 0:
        pytest.skip("makes a network of its own, which needs root")
    with cable() as line:
        ways = [Way("memory://", line.two.network), Way("memory://", line.one.network), Way("memory://")]
        wanted = [os.readlink(way.network or "/proc/self/ns/net") for way in ways]
        with crew(ways) as workers:
            assert workers.all("network") == wanted
