"""Real Redis servers for the tests.

One server, a Cluster of three, or a primary and a replica under a Sentinel.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from .link import Link

PATIENCE = 90.0
"""Seconds to wait for a failover. A Sentinel that stood still for two seconds does nothing for half a minute."""
PATIENT = 600_000
"""Milliseconds after which a Sentinel takes a silent server for gone: longer than any test."""


def free_ports(count: int) -> list[int]:
    """Find ports that nobody listens on.

    They, and a Cluster's bus ports 10,000 above, lie below those that the system gives to outgoing connections: a server
    that is started again finds its port free.
    """
    found: list[int] = []
    at = 11_000 + time.monotonic_ns() % 10_000
    while len(found) < count:
        at += 1
        with contextlib.suppress(OSError), socket.socket() as probe, socket.socket() as bus:
            probe.bind(("127.0.0.1", at))
            bus.bind(("127.0.0.1", at + 10_000))
            found.append(at)
    return found


@dataclass
class Server:
    """One redis-server process in a directory of its own."""

    place: Path
    port: int
    options: list[str] = field(default_factory=list)
    settings: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    host: str = "127.0.0.1"

    def start(self) -> Server:
        """Start, and wait until it answers."""
        binary = shutil.which("redis-server")
        assert binary is not None, "redis-server is missing: python3 tests/run.py installs it"
        self.place.mkdir(exist_ok=True)
        command = [
            binary,
            *([str(self.settings)] if self.settings else []),
            "--port",
            str(self.port),
            "--bind",
            self.host,
        ]
        with open(self.place / "out", "wb") as out:
            self.process = subprocess.Popen([*command, "--dir", str(self.place), *self.options], stdout=out, stderr=out)
        until = time.monotonic() + 10
        while True:
            try:
                with self.client() as client:
                    client.ping()
                return self
            except redis.ConnectionError:
                assert time.monotonic() < until, (self.place / "out").read_text()
                time.sleep(0.02)

    def client(self) -> Any:
        """Return a plain client, by which a test acts on the server."""
        return redis.Redis(self.host, self.port, socket_timeout=5, decode_responses=False)

    def say(self, *words: str | int) -> Any:
        """One command, and its reply."""
        with self.client() as client:
            return client.execute_command(*words)

    def keys(self, database: int = 0) -> set[bytes]:
        """All keys of a database."""
        with redis.Redis(port=self.port, db=database, socket_timeout=5) as client:
            return set(client.keys())

    def copy(self, name: str) -> Path:
        """A copy of all that it has on disk, as a backup would make one; nobody writes meanwhile."""
        return Path(shutil.copytree(self.place, self.place.with_name(name)))

    def put_back(self, copy: Path) -> None:
        """Stop, put a copy in the place of the data, start."""
        self.stop()
        shutil.rmtree(self.place)
        shutil.copytree(copy, self.place)
        self.start()

    def stop(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextlib.contextmanager
def single(place: Path, *options: str) -> Iterator[Server]:
    """One server that writes each change to disk."""
    (port,) = free_ports(1)
    chosen = options or ("--appendonly", "yes", "--appendfsync", "always")
    server = Server(place / "redis", port, ["--save", "", *chosen])
    try:
        yield server.start()
    finally:
        server.stop()


@contextlib.contextmanager
def cluster(place: Path) -> Iterator[list[Server]]:
    """Three primaries that share the slots."""
    servers = [
        Server(
            place / f"node{port}",
            port,
            ["--cluster-enabled", "yes", "--appendonly", "yes", "--cluster-node-timeout", "1000"],
        )
        for port in free_ports(3)
    ]
    try:
        for server in servers:
            server.start()
        for number, server in enumerate(servers):
            first, last = number * 5462, min(number * 5462 + 5461, 16_383)
            server.say("CLUSTER", "ADDSLOTSRANGE", first, last)
            server.say("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            servers[0].say("CLUSTER", "MEET", "127.0.0.1", server.port)
        until = time.monotonic() + 20
        while not all(b"cluster_state:ok" in info(server) and b"known_nodes:3" in info(server) for server in servers):
            assert time.monotonic() < until
            time.sleep(0.05)
        yield servers
    finally:
        for server in servers:
            server.stop()


def info(server: Server) -> bytes:
    """The Cluster as one server sees it."""
    with server.client() as client:
        client.set_response_callback("CLUSTER INFO", lambda reply, **_: reply)
        answer = client.execute_command("CLUSTER INFO")
        assert isinstance(answer, bytes)
        return answer


@dataclass
class Pair:
    """A primary, its replica, and the Sentinel that watches over them."""

    primary: Server
    replica: Server
    sentinel: Server

    def take_over(self) -> None:
        """Have the Sentinel notice that the primary is gone, and wait until it names the replica.

        Before and after that the Sentinel is patient: on a busy machine a primary that answers late is not gone. It
        tries again every few seconds, but not before it knows that the primary is gone: else it would lead the replica
        past a ``Link``.
        """
        self._say("down-after-milliseconds", 500)
        until = time.monotonic() + PATIENCE
        while (named := self.named()) is self.primary and not self._is_gone():
            assert time.monotonic() < until
            time.sleep(0.02)
        self._say("failover-timeout", 2_000)
        while named is not self.replica:
            assert time.monotonic() < until
            time.sleep(0.02)
            named = self.named()
        self._say("down-after-milliseconds", PATIENT)

    def named(self) -> Server:
        """Return the server that the Sentinel names."""
        with self.sentinel.client() as client:
            _, port = client.sentinel_get_master_addr_by_name("gate")
        return self.primary if port == self.primary.port else self.replica

    def knows_the_replica(self) -> bool:
        """Tell if the Sentinel could make the replica the primary."""
        with self.sentinel.client() as client:
            return [(one["flags"], one["master-link-status"]) for one in client.sentinel_slaves("gate")] == [
                ("slave", "ok")
            ]

    def _is_gone(self) -> bool:
        """Tell if the Sentinel takes the primary for gone."""
        with self.sentinel.client() as client:
            return bool(client.sentinel_master("gate")["is_sdown"])

    def _say(self, setting: str, value: int) -> None:
        self.sentinel.say("SENTINEL", "SET", "gate", setting, value)


@contextlib.contextmanager
def pair(place: Path, *, link: Link | None = None) -> Iterator[Pair]:
    """Run a primary and a replica, with one Sentinel that needs nobody's consent.

    ``link`` is the line between the two.
    """
    one, two, three = free_ports(3)
    primary = Server(place / "primary", one, ["--appendonly", "yes"])
    between = one if link is None else link.to(one)
    replica = Server(place / "replica", two, ["--appendonly", "yes", "--replicaof", f"127.0.0.1 {between}"])
    (place / "sentinel").mkdir()
    settings = place / "sentinel" / "sentinel.conf"
    settings.write_text(
        f"sentinel monitor gate 127.0.0.1 {one} 1\nsentinel down-after-milliseconds gate {PATIENT}\n"
        f"sentinel failover-timeout gate {2_000 if link is None else PATIENT}\n"  # after it the link would be bypassed
    )
    sentinel = Server(place / "sentinel", three, ["--sentinel"], settings)
    try:
        primary.start()
        replica.start()
        until = time.monotonic() + PATIENCE
        while b"state=online" not in raw_info(primary):
            assert time.monotonic() < until
            time.sleep(0.05)
        sentinel.start()
        made = Pair(primary, replica, sentinel)
        while not made.knows_the_replica():
            assert time.monotonic() < until
            time.sleep(0.05)
        yield made
    finally:
        for server in (sentinel, replica, primary):
            server.stop()


def raw_info(server: Server, section: str = "replication") -> bytes:
    """One section of INFO as text."""
    with server.client() as client:
        client.set_response_callback("INFO", lambda reply, **_: reply)
        answer = client.execute_command("INFO", section)
        assert isinstance(answer, bytes)
        return answer
