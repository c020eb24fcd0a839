"""The time that ``import mfa_gate`` adds to the start of a process with Starlette.

The process has imported Starlette already.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

ROUNDS = 15
BASE = "import starlette.applications, starlette.middleware.sessions"
ROWS = {
    "starlette with sessions": BASE,
    "+ import mfa_gate": f"{BASE}\nimport mfa_gate",
    "+ from mfa_gate import MFAGate": f"{BASE}\nfrom mfa_gate import MFAGate",
}


def cost(code: str) -> float:
    """Milliseconds of processor time of a fresh process that runs ``code``."""
    process = subprocess.Popen([sys.executable, "-c", code])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{code!r} failed")
    return (usage.ru_utime + usage.ru_stime) * 1e3


def main() -> None:
    """Measure in turn, and print."""
    found: dict[str, list[float]] = {name: [] for name in ROWS}
    for code in ROWS.values():
        cost(code)
    for _ in range(ROUNDS):
        for name, code in ROWS.items():
            found[name].append(cost(code))
    first = next(iter(found.values()))
    print(f"{'a fresh process':34}{'median':>12}{'added':>12}")
    for name, times in found.items():
        added = statistics.median(a - b for a, b in zip(times, first, strict=True))
        print(f"{name:34}{statistics.median(times):9.0f} ms{added:9.1f} ms")
    print("processor time; added: median of the differences, round by round")


if __name__ == "__main__":
    main()
