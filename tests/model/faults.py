"""Faults that are put into a copy of the source by hand: the model must find each of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SEARCH = """
import logging, sys
import mfa_gate
assert mfa_gate.__file__.startswith(sys.argv[2])
logging.disable(logging.CRITICAL)
from tests.model.stage import Stage
from tests.model.story import Difference, live
try:
    live(Stage, lives=int(sys.argv[1]), steps=150, seed="faults", shorten=False)
except Difference as found:
    print(found)
    sys.exit(3)
"""
FOUND = 3


class Fault(NamedTuple):
    """One fault: what goes wrong, the file, and the text that takes the place of another."""

    name: str
    file: str
    sound: str
    broken: str


FAULTS = (
    Fault(
        "a proof lives an hour longer",
        "core/assurance.py",
        "now - proof.at >= demand.max_age",
        "now - proof.at >= demand.max_age + 3600",
    ),
    Fault("a proof counts on every network", "core/evidence.py", "proof.network != caller.network", "False"),
    Fault(
        "eight wrong answers are compared",
        "core/attempts.py",
        "return max(0, rules.max - attempts.used)",
        "return max(0, rules.max + 1 - attempts.used)",
    ),
    Fault(
        "a success empties the rolling count",
        "core/attempts.py",
        "return replace(attempts, used=0, series=attempts.series + 1)",
        "return forgiven(attempts)",
    ),
    Fault(
        "a refusal without cost is charged", "core/attempts.py", "used=attempts.used - 1) if", "used=attempts.used) if"
    ),
    Fault("an app's code counts twice", "factors/totp.py", "if step > last and", "if step >= last and"),
    Fault(
        "messages come without a wait",
        "core/changes/challenge.py",
        "    return max(\n        0,\n        _until_room",
        "    return min(\n        0,\n        _until_room",
    ),
    Fault(
        "an administrator's lock ends no proof",
        "core/changes/admin.py",
        "        end_proofs(account, now),\n        lock=",
        "        account,\n        lock=",
    ),
    Fault(
        "an unlock leaves the wrong answers",
        "core/changes/admin.py",
        "attempts=budget.forgiven(account.attempts),",
        "attempts=account.attempts,",
    ),
    Fault(
        "an unlock leaves no trace",
        "core/changes/admin.py",
        "events=(event, *ended), answer=None)\n\n\ndef lock",
        "events=ended, answer=None)\n\n\ndef lock",
    ),
    Fault(
        "a changed password ends no proof",
        "core/changes/life.py",
        "        end_proofs(account, now), challenges=(), enrollments=(), replaced=(), skips=()",
        "        account, challenges=(), enrollments=(), replaced=(), skips=()",
    ),
    Fault("a dispute ends no proof", "core/changes/dispute.py", "end_proofs(account, now)", "account"),
    Fault("the end of a tenant spares its skips", "core/changes/tenant_end.py", "        skips=(),\n", ""),
    Fault(
        "the end of a tenant spares its proofs",
        "core/changes/tenant_end.py",
        "end_proofs(account, _known(settings.ended_at, now))",
        "account",
    ),
    Fault(
        "a proof does not stop a request for help",
        "core/changes/proof.py",
        "if account.recovery is not None:",
        "if False:",
    ),
    Fault(
        "one administrator gives a grant alone",
        "core/changes/second_person.py",
        "if not is_second_hand(",
        "if False and is_second_hand(",
    ),
    Fault("a ticket has no end", "core/changes/first_enrollment.py", "or now >= ticket.expires_at", ""),
    Fault("no ticket is asked for", "core/changes/enroll_rights.py", 'if first == "open":', "if True:"),
    Fault(
        "a skip counts in every sign-in",
        "core/evidence.py",
        "for where, at in account.skips if where == key",
        "for where, at in account.skips",
    ),
    Fault(
        "an enrollment is skipped where it is required",
        "core/decision.py",
        'optional = requirement.stage == "optional" and not extra',
        "optional = not extra",
    ),
    Fault(
        "a reminder is told again and again",
        "core/changes/slow_recovery.py",
        "replace(waiting, reminded=due)",
        "waiting",
    ),
    Fault(
        "a way that nobody used stays open",
        "core/slow_recovery.py",
        "bool(at) and now >= at + OPEN_FOR",
        "False",
    ),
    Fault(
        "a changed policy leaves the old decisions",
        "service/accounts.py",
        "        self.policy = self.factors.complete(policy)\n        self.forget_all()",
        "        self.policy = self.factors.complete(policy)",
    ),
)


def is_found(fault: Fault, folder: Path, *, lives: int = 400) -> tuple[bool, str]:
    """Put a fault into a copy of the source, and let the model look for it.

    Returns the story, too.
    """
    shutil.copytree(ROOT / "src", folder / "src")
    path = folder / "src" / "mfa_gate" / fault.file
    path.write_text(path.read_text("utf-8").replace(fault.sound, fault.broken), "utf-8")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder / "src"), str(ROOT)))}
    done = subprocess.run(
        [sys.executable, "-P", "-c", SEARCH, str(lives), str(folder)],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, FOUND), done.stderr
    return done.returncode == FOUND, done.stdout
