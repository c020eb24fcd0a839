"""Two networks on one machine, joined by one cable that a test pulls (Linux, root)."""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

CLONE_NEWNET = 0x40000000


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two networks: its address, and the process that keeps it alive."""

    address: str
    keeper: int

    @property
    def network(self) -> str:
        """Return the file that stands for this network."""
        return f"/proc/{self.keeper}/ns/net"

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Be in this network.

        Sockets that this thread opens, and programs that it starts, stay in it.
        """
        with open("/proc/thread-self/ns/net") as before:
            enter(self.network)
            try:
                yield
            finally:
                enter(f"/proc/self/fd/{before.fileno()}")

    def ip(self, *words: str) -> None:
        """Run one command of ``ip`` in this network."""
        with self.inside():
            subprocess.run(["ip", *words], check=True)


@dataclass(frozen=True, slots=True)
class Cable:
    """The two sides, and the cable between them."""

    one: Side
    two: Side

    def pull(self) -> None:
        """Cut the sides off from each other. Nobody is told: packets are lost."""
        self.one.ip("link", "set", "cable", "down")

    def plug(self) -> None:
        """Join the sides again."""
        self.one.ip("link", "set", "cable", "up")


def enter(network: str) -> None:
    """Move this thread into the network that the file stands for.

    Threads that it starts later are there too.
    """
    with open(network) as opened:
        if ctypes.CDLL(None, use_errno=True).setns(opened.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextmanager
def cable() -> Iterator[Cable]:
    """Make two networks and join them. They end with the block."""
    keepers = [subprocess.Popen(["unshare", "--net", "sleep", "infinity"]) for _ in range(2)]
    try:
        one, two = (Side(f"10.77.0.{number}", keeper.pid) for number, keeper in enumerate(keepers, 1))
        until = time.monotonic() + 10
        ours = os.readlink("/proc/self/ns/net")
        while any(os.readlink(f"/proc/{side.keeper}/ns/net") == ours for side in (one, two)):
            assert time.monotonic() < until, "no second network can be made here"
            time.sleep(0.01)
        one.ip("link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", str(two.keeper))
        for side in (one, two):
            side.ip("address", "add", f"{side.address}/24", "dev", "cable")
            side.ip("link", "set", "cable", "up")
            side.ip("link", "set", "lo", "up")
        yield Cable(one, two)
    finally:
        for keeper in keepers:
            keeper.kill()
            keeper.wait()
