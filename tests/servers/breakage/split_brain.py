"""A network that is cut in two, with a Redis primary and a worker on the smaller side.

The other side goes on with a new primary.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.stores import servers
from tests.stores.servers import Server

from .crew import Crew, Stage, Way
from .network import Cable, Side, cable

APART = 12.0
"""Seconds for which two primaries take writes."""
QUICK = "sentinel down-after-milliseconds gate 1500\nsentinel failover-timeout gate 4000\n"


@dataclass(slots=True)
class Houses:
    """Primary and a Sentinel on one side; two replicas and two Sentinels on the other."""

    line: Cable
    primary: Server
    replicas: list[Server]
    sentinels: list[Server]

    def split(self, _: Crew) -> Sequence[float]:
        """Pull the cable until there have been two primaries for a while, and plug it in again."""
        self.line.pull()
        with self.line.two.inside():
            until(lambda: self._named_by(self.sentinels[1]) != self.primary.port)
            until(lambda: any(b"state=online" in servers.raw_info(one) for one in self.replicas))
        two = time.monotonic()
        time.sleep(APART)
        with self.line.one.inside():
            assert b"role:master" in servers.raw_info(self.primary), "it knows of no other"
        self.line.plug()
        with self.line.one.inside():
            until(lambda: self._named_by(self.sentinels[0]) != self.primary.port)
            until(lambda: b"master_link_status:up" in servers.raw_info(self.primary))
        one = time.monotonic()
        return two, two, one

    def _named_by(self, sentinel: Server) -> int:
        with sentinel.client() as client:
            return int(client.sentinel_get_master_addr_by_name("gate")[1])


def until(done: Callable[[], bool]) -> None:
    """Wait for something that the servers do by themselves."""
    end = time.monotonic() + servers.PATIENCE
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


@contextmanager
def split_brain(place: Path, *, replicas: int = 1) -> Iterator[Stage]:
    """Cut the network in two: with ``replicas=1`` the side without a replica confirms nothing."""
    with cable() as line:
        ports = servers.free_ports(6)
        options = ["--appendonly", "yes", "--protected-mode", "no"]
        one, two = line.one, line.two

        def server(name: str, side: Side, *more: str, settings: str = "") -> Server:
            (place / name).mkdir()
            path = place / name / "server.conf"
            path.write_text(settings)
            return Server(place / name, ports.pop(), [*more], path if settings else None, host=side.address)

        primary = server("primary", one, *options)
        behind = ["--replicaof", f"{one.address} {primary.port}"]
        replicas_ = [server(f"replica{number}", two, *options, *behind) for number in range(2)]
        watch = f"sentinel monitor gate {one.address} {primary.port} 2\n{QUICK}protected-mode no\n"
        sentinels = [
            server(f"sentinel{number}", side, "--sentinel", settings=watch)
            for number, side in enumerate((one, two, two))
        ]
        everything = [(one, primary), *((two, r) for r in replicas_), *zip((one, two, two), sentinels, strict=True)]
        try:
            for side, each in everything:
                with side.inside():
                    each.start()
            with one.inside():
                until(lambda: servers.raw_info(primary).count(b"state=online") == 2)
                until(lambda: _knows_all(sentinels[0]))
            with two.inside():
                until(lambda: all(map(_knows_all, sentinels[1:])))
            hosts = ",".join(f"{each.host}:{each.port}" for each in sentinels)
            url = f"redis+sentinel://{hosts}/gate" + (f"?replicas={replicas}" if replicas else "")
            ways = [Way(url, two.network), Way(url, two.network), Way(url, one.network)]
            yield Stage(ways, Houses(line, primary, replicas_, sentinels).split, APART + 8, sides=1 if replicas else 2)
        finally:
            for _, each in reversed(everything):
                each.stop()


def _knows_all(sentinel: Server) -> bool:
    """Tell if a Sentinel knows both replicas and both other Sentinels."""
    with sentinel.client() as client:
        found = client.sentinel_master("gate")
        return bool(found["num-slaves"] == 2 and found["num-other-sentinels"] == 2)


def split_brain_without_a_replica(place: Path) -> AbstractContextManager[Stage]:
    """Cut the network in two where changes wait for no replica.

    Both sides confirm, and the stricter of both holds afterwards.
    """
    return split_brain(place, replicas=0)
