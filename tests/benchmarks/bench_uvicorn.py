"""Requests a second through uvicorn, one worker, with the gate and without it, in turns."""

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
from pathlib import Path

from mfa_gate.keyring import make_key
from tests.benchmarks._host import gate_on, percentile, prove, session_cookie
from tests.stores.servers import free_ports

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 15
SECONDS = 1.0


@contextmanager
def served(port: int, store: str, key: str) -> Iterator[subprocess.Popen[bytes]]:
    """uvicorn with the app, as a process of its own."""
    command = [sys.executable, "-m", "uvicorn", "--factory", "tests.benchmarks._served:app", "--port", str(port)]
    environment = os.environ | {"BENCH_STORE": store, "BENCH_KEY": key, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    process = subprocess.Popen([*command, "--no-access-log", "--log-level", "error"], cwd=ROOT, env=environment)
    try:
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit("uvicorn did not start") from None
                time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait()


def processor(process: subprocess.Popen[bytes]) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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


def main() -> None:
    """Measure in turn, and print."""
    key = make_key(secrets.token_bytes(32))
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{Path(folder) / 'bench.db'}"
        cookies = (session_cookie() + b"; " + asyncio.run(prepared(store, key))).decode()
        off, on = free_ports(2)
        with served(off, "", key) as without, served(on, store, key) as with_gate:
            rows = {"session": (off, without), "session + gate, SQLite": (on, with_gate)}
            rates: dict[str, list[float]] = {name: [] for name in rows}
            costs: dict[str, list[float]] = {name: [] for name in rows}
            waits: dict[str, list[float]] = {name: [] for name in rows}
            for round_ in range(ROUNDS + 1):
                for name, (port, process) in rows.items():
                    before = processor(process)
                    took = load(port, cookies, SECONDS)
                    if round_:
                        rates[name].append(len(took) / SECONDS)
                        costs[name].append((processor(process) - before) / len(took) * 1e6)
                        waits[name] += took
    report(rates, costs, waits)


def report(rates: dict[str, list[float]], costs: dict[str, list[float]], waits: dict[str, list[float]]) -> None:
    """The table."""
    print(f"{'uvicorn, one worker':28}{'requests a second':>19}{'processor':>14}{'median':>12}{'p99':>11}")
    for name in rates:
        print(
            f"{name:28}{statistics.median(rates[name]):19.0f}{statistics.median(costs[name]):11.0f} us"
            f"{statistics.median(waits[name]):9.2f} ms{percentile(waits[name], 0.99):8.2f} ms"
        )
    off, on = rates.values()
    cheap, dear = costs.values()
    ratio = statistics.median(b / a for a, b in zip(off, on, strict=True))
    by_cost = statistics.median(a / b for a, b in zip(cheap, dear, strict=True))
    print(f"{'on over off':28}{ratio:19.3f}{by_cost:14.3f}   (to reach: 0.95)")
    print("processor: of the server's process for one request, which leaves out what others do on this machine;")
    print("median and p99: how long one of 16 connections waits for its answer")


if __name__ == "__main__":
    main()
