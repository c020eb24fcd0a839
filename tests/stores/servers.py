"""Real Redis servers for the tests.

One server, a Cluster of three, or a primary and a replica under a Sentinel.
"""

from __future__ import annotations

import contextlib
import select
import shutil
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis


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
            "127.0.0.1",
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
        """A plain client for what the test does to the server."""
        return redis.Redis(port=self.port, socket_timeout=5, decode_responses=False)

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


class Link:
    """A slow line from the primary to the replica.

    The primary's words arrive so many seconds later. The words that are on their way when the primary dies
    never arrive, as in the death of a whole machine.
    """

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._listener = socket.create_server(("127.0.0.1", 0))

    def to(self, port: int) -> int:
        """Begin to carry to ``port``; the port to connect to instead."""
        threading.Thread(target=self._serve, args=(port,), daemon=True).start()
        near: int = self._listener.getsockname()[1]
        return near

    def _serve(self, port: int) -> None:
        with contextlib.suppress(OSError):
            while True:
                replica, _ = self._listener.accept()
                with contextlib.suppress(OSError):
                    primary = socket.create_connection(("127.0.0.1", port))
                    threading.Thread(target=_carry, args=(replica, primary, 0.0), daemon=True).start()
                    threading.Thread(target=_carry, args=(primary, replica, self._delay), daemon=True).start()
                    continue
                replica.close()

    def close(self) -> None:
        """Carry nothing more."""
        self._listener.close()


def _carry(source: socket.socket, target: socket.socket, delay: float) -> None:
    """Carry bytes from one socket to the other, each piece ``delay`` seconds late.

    When the source ends, the pieces under way are lost.
    """
    under_way: deque[tuple[float, bytes]] = deque()
    with source, target, contextlib.suppress(OSError):
        while True:
            wait = max(0.0, under_way[0][0] - time.monotonic()) if under_way else None
            if select.select([source], [], [], wait)[0]:
                piece = source.recv(65_536)
                if not piece:
                    return
                under_way.append((time.monotonic() + delay, piece))
            while under_way and under_way[0][0] <= time.monotonic():
                target.sendall(under_way.popleft()[1])


@dataclass
class Pair:
    """A primary, its replica, and the Sentinel that watches over them."""

    primary: Server
    replica: Server
    sentinel: Server


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
        f"sentinel monitor gate 127.0.0.1 {one} 1\nsentinel down-after-milliseconds gate 500\n"
        f"sentinel failover-timeout gate {2000 if link is None else 60_000}\n"  # after it the link would be bypassed
    )
    sentinel = Server(place / "sentinel", three, ["--sentinel"], settings)
    try:
        primary.start()
        replica.start()
        until = time.monotonic() + 20
        while b"state=online" not in raw_info(primary):
            assert time.monotonic() < until
            time.sleep(0.05)
        sentinel.start()
        yield Pair(primary, replica, sentinel)
    finally:
        for server in (sentinel, replica, primary):
            server.stop()


def raw_info(server: Server) -> bytes:
    """INFO replication as text."""
    with server.client() as client:
        client.set_response_callback("INFO", lambda reply, **_: reply)
        answer = client.execute_command("INFO", "replication")
        assert isinstance(answer, bytes)
        return answer
