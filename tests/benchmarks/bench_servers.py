"""Requests a second through uvicorn and granian, one worker, with the gate and without it."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mfa_gate.keyring import make_key
from tests.benchmarks._host import gate_on, percentile, prove, session_cookie
from tests.stores.servers import free_ports

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 9
SECONDS = 1.0


SERVERS = {
    "uvicorn": ("uvicorn", "--factory", "--no-access-log", "--log-level", "error"),
    "granian": ("granian", "--interface", "asgi", "--factory", "--no-access-log", "--log-level", "error"),
}


@contextmanager
def served(server: str, port: int, store: str, key: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server with the app, in processes of its own."""
    command = [sys.executable, "-m", *SERVERS[server], "tests.benchmarks._served:app", "--port", str(port)]
    environment = os.environ | {"BENCH_STORE": store, "BENCH_KEY": key, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit(f"{server} did not start") from None
                time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait()


def processor(process: subprocess.Popen[bytes]) -> float:
    """Seconds of processor time that a process and its children have used."""
    spent, tick = 0, os.sysconf("SC_CLK_TCK")
    for pid in (process.pid, *children(process.pid)):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        spent += int(fields[11]) + int(fields[12])
    return spent / tick


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    found = [task.read_text().split() for task in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for some in found for child in some]


def load(port: int, cookies: str, seconds: float) -> list[float]:
    """Milliseconds that each answer took."""
    command = [sys.executable, str(ROOT / "tests/benchmarks/_load.py"), str(port), str(seconds), cookies]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [int(took) / 1e3 for took in done.stdout.split()]


async def prepared(store: str, key: str) -> bytes:
    """A browser with a proof in the store: its cookie."""
    gate = gate_on(store, key=key)
    cookie = await prove(gate)
    await gate.web.aclose()
    return cookie


@dataclass(slots=True)
class Measured:
    """The rounds of one row: requests a second, processor microseconds of one request, and waits in milliseconds."""

    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)


Rows = dict[str, tuple[int, tuple[subprocess.Popen[bytes], ...]]]
"""By the name of a row: the port to ask, and the processes whose processor time counts."""


def measure(rows: Rows, cookies: str) -> dict[str, Measured]:
    """Load every row in turn, round by round."""
    found = {name: Measured() for name in rows}
    for round_ in range(ROUNDS + 1):
        for name, (port, processes) in rows.items():
            before = sum(map(processor, processes))
            took = load(port, cookies, SECONDS)
            if round_:
                found[name].rates.append(len(took) / SECONDS)
                found[name].costs.append((sum(map(processor, processes)) - before) / len(took) * 1e6)
                found[name].waits += took
    return found


def report(found: dict[str, Measured], ratio: str, to_reach: str = "") -> None:
    """The rows of a table, the second over the first as ``ratio``."""
    for name, row in found.items():
        print(
            f"{name:40}{statistics.median(row.rates):14.0f}{statistics.median(row.costs):11.0f} us"
            f"{statistics.median(row.waits):9.2f} ms{percentile(row.waits, 0.99):8.2f} ms"
        )
    off, on = found.values()
    faster = statistics.median(b / a for a, b in zip(off.rates, on.rates, strict=True))
    by_cost = statistics.median(a / b for a, b in zip(off.costs, on.costs, strict=True))
    print(f"{ratio:40}{faster:14.3f}{by_cost:14.3f}{to_reach and f'   (to reach: {to_reach})'}")


def head() -> None:
    """The names of the columns."""
    print(f"{'one worker':40}{'a second':>14}{'processor':>14}{'median':>12}{'p99':>11}")


def foot() -> None:
    """The words below the table."""
    print(
        f"medians of {ROUNDS} rounds in turns; processor: of the servers' processes for one request, without what others did"
    )
    print("median and p99: how long one of 16 connections waits for its answer")


def main() -> None:
    """Measure in turn, and print."""
    key = make_key(secrets.token_bytes(32))
    head()
    for server in SERVERS:
        with tempfile.TemporaryDirectory() as folder:
            store = f"sqlite:///{Path(folder) / 'bench.db'}"
            cookies = (session_cookie() + b"; " + asyncio.run(prepared(store, key))).decode()
            off, on = free_ports(2)
            with served(server, off, "", key) as without, served(server, on, store, key) as with_gate:
                rows: Rows = {
                    f"{server}: session": (off, (without,)),
                    f"{server}: session + gate, SQLite": (on, (with_gate,)),
                }
                report(measure(rows, cookies), f"{server}: on over off", "0.97")
    foot()


if __name__ == "__main__":
    main()
