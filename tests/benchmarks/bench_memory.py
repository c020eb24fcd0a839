"""The memory of a worker, with the gate and without it, and after many strangers.

Each line is a process of its own: the app with its session, the same with a gate over SQLite, and that one after requests of
strangers with an address, a cookie and a path of their own each. ``--long`` sends a million of them.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks._host import App, gate_on, gated, plain, scope_of, with_session

STRANGERS = 1_000_000 if "--long" in sys.argv else 50_000
KINDS = ("session", "session + gate, SQLite", "after strangers")


def resident() -> float:
    """Return the memory of this process, in megabytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("this system does not tell the memory of a process")


async def visit(app: App, number: int) -> None:
    """One request of a stranger."""
    scope = scope_of(f"/nowhere/{number}" if number % 2 else "/", f"session=bad{number}; mfa=x{number}".encode())
    scope["client"] = (f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", 50000)

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: object) -> None:
        """Forget it."""

    await app(scope, receive, send)


async def one(kind: str, store: str) -> float:
    """Serve a few requests, or many, and return the memory then."""
    if kind == KINDS[0]:
        app = with_session(plain())
        for number in range(100):
            await visit(app, number)
        return resident()
    gate = gate_on(store)
    await gate.web.open()
    app = gated(gate)
    for number in range(STRANGERS if kind == KINDS[2] else 100):
        await visit(app, number)
    found = resident()
    await gate.web.aclose()
    return found


def main() -> None:
    """Measure each kind in a process of its own, and print."""
    if len(sys.argv) > 2 and sys.argv[1] in KINDS:
        print(asyncio.run(one(sys.argv[1], sys.argv[2])))
        return
    print(f"{'a worker':40}{'memory':>12}{'added':>12}{'to reach':>12}")
    before = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for number, kind in enumerate(KINDS):
            command = [sys.executable, __file__, kind, f"sqlite:///{folder}/{number}.db", *sys.argv[1:]]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found = float(done.stdout)
            name = f"after {STRANGERS:,} strangers" if kind == KINDS[2] else kind
            row = f"{name:40}{found:9.1f} MB{found - before if before else 0.0:9.1f} MB"
            print(row + (f"{50:9} MB" if kind == KINDS[2] else ""))
            before = found
    print("memory: resident, of the whole process; added: over the line above")


if __name__ == "__main__":
    main()
