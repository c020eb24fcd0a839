"""The time to import the gate, and to run its commands.

An import adds to a process that has imported Starlette already. All modules are compiled before.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 15
BASE = "import starlette.applications, starlette.middleware.sessions"
ROWS = {
    "starlette with sessions": BASE,
    "+ import mfa_gate": f"{BASE}\nimport mfa_gate",
    "+ from mfa_gate import MFAGate": f"{BASE}\nfrom mfa_gate import MFAGate",
}


POLICY = """version = 1
name = "benchmark"
[factors]
allowed = ["totp", "backup-code"]
"""
TO_REACH = {"+ from mfa_gate import MFAGate": 80, "mfa-gate --help": 400, "mfa-gate policy check": 600}


def cost(command: list[str], environment: dict[str, str]) -> float:
    """Milliseconds of processor time of a fresh process."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command!r} failed")
    return (usage.ru_utime + usage.ru_stime) * 1e3


def main() -> None:
    """Measure in turn, and print."""
    with tempfile.TemporaryDirectory() as folder:
        policy = Path(folder) / "policy.toml"
        policy.write_text(POLICY)
        environment = os.environ | {"PYTHONPYCACHEPREFIX": f"{folder}/compiled", "PYTHONDONTWRITEBYTECODE": ""}
        program = [sys.executable, "-m", "mfa_gate.cli"]
        rows = {name: [sys.executable, "-c", code] for name, code in ROWS.items()} | {
            "python alone": [sys.executable, "-c", ""],
            "mfa-gate --help": [*program, "--help"],
            "mfa-gate policy check": [*program, "policy", "check", str(policy)],
        }
        found: dict[str, list[float]] = {name: [] for name in rows}
        for command in rows.values():
            cost(command, environment)
        for _ in range(ROUNDS):
            for name, command in rows.items():
                found[name].append(cost(command, environment))
    first = next(iter(found.values()))
    print(f"{'a fresh process':34}{'median':>12}{'least':>12}{'added':>12}{'to reach':>12}")
    for name, times in found.items():
        line = f"{name:34}{statistics.median(times):9.0f} ms{min(times):9.0f} ms"
        added = statistics.median(a - b for a, b in zip(times, first, strict=True)) if name.startswith("+") else None
        line += " " * 12 if added is None else f"{added:9.1f} ms"
        print(line + (f"{TO_REACH[name]:9} ms" if name in TO_REACH else ""))
    print("processor time; added: over Starlette with sessions, median of the differences, round by round")


if __name__ == "__main__":
    main()
