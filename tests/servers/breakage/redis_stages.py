"""Redis servers that break: paused, cut in two, moved, without room."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from redis.crc import key_slot

from mfa_gate.stores.redis.names import keys_of
from tests.stores import servers

from .crew import APPS, Crew, Stage, Way
from .deeds import TENANT

PAUSE = 10.0


def on_all(url: str) -> list[Way]:
    """Return the same way for a worker of each application."""
    return [Way(url)] * len(APPS)


def at_once(count: int) -> list[float]:
    """Tell that from now on every worker must be served again."""
    return [time.monotonic()] * count


@contextmanager
def paused(place: Path) -> Iterator[Stage]:
    """One server that stands still for ten seconds, and nobody takes over."""
    with servers.single(place) as server:

        def breaks(_: Crew) -> Sequence[float]:
            assert server.process is not None
            server.process.send_signal(signal.SIGSTOP)
            time.sleep(PAUSE)
            server.process.send_signal(signal.SIGCONT)
            return at_once(len(APPS))

        yield Stage(on_all(f"redis://127.0.0.1:{server.port}"), breaks, PAUSE)


@contextmanager
def paused_and_replaced(place: Path) -> Iterator[Stage]:
    """A primary that stands still while its replica takes over, and wakes up as a primary."""
    with servers.pair(place) as pair:

        def breaks(_: Crew) -> Sequence[float]:
            assert pair.primary.process is not None
            pair.primary.process.send_signal(signal.SIGSTOP)
            began = time.monotonic()
            pair.take_over()
            replaced_at = time.monotonic()
            time.sleep(max(0.0, began + PAUSE - replaced_at))
            pair.primary.process.send_signal(signal.SIGCONT)
            return [replaced_at] * len(APPS)

        yield Stage(on_all(f"redis+sentinel://127.0.0.1:{pair.sentinel.port}/gate"), breaks, PAUSE)


@contextmanager
def moved_slot(place: Path) -> Iterator[Stage]:
    """A Cluster that moves the people's slot from server to server, key by key."""
    with servers.cluster(place) as nodes:
        slot = key_slot(keys_of(TENANT).head.encode())

        def breaks(_: Crew) -> Sequence[float]:
            for _turn in range(3):
                move(nodes, slot)
                time.sleep(1)
            return at_once(len(APPS))

        yield Stage(on_all(f"redis+cluster://127.0.0.1:{nodes[0].port},127.0.0.1:{nodes[1].port}"), breaks, PAUSE)


def move(nodes: Sequence[servers.Server], slot: int) -> None:
    """Move a slot with its keys to the next server, as an operator's tool does."""
    ids = [one.say("CLUSTER", "MYID").decode() for one in nodes]
    at = next(n for n, one in enumerate(nodes) if one.say("CLUSTER", "COUNTKEYSINSLOT", slot))
    to = (at + 1) % len(nodes)
    nodes[to].say("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[at])
    nodes[at].say("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[to])
    while keys := nodes[at].say("CLUSTER", "GETKEYSINSLOT", slot, 5):
        nodes[at].say("MIGRATE", "127.0.0.1", nodes[to].port, "", 0, 5000, "KEYS", *keys)
        time.sleep(0.05)  # in the midst of it, the people's keys are on both
    for one in (nodes[to], nodes[at], *nodes):
        one.say("CLUSTER", "SETSLOT", slot, "NODE", ids[to])
