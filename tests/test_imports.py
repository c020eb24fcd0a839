"""A name costs an app what it uses: the gate's rooms are imported when a gate is made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from mfa_gate.keyring import make_key

MAKE = """
from pathlib import Path
from mfa_gate import MFAGate, RelyingParty
from mfa_gate.identity import SessionUser
from mfa_gate.policyfile import parse_policy
policy = parse_policy('version = 1\\nname = "small"\\n[factors]\\nallowed = ["totp", "backup-code"]\\n', base=Path())
party = RelyingParty(id="localhost", name="App", origins=["https://localhost"])
MFAGate(policy=policy, identify=SessionUser("user_id"), store="memory://", keys=["KEY"], relying_party=party)
"""
ROOMS = """cli composition core factors gate_arguments identity keyring policyfile ports senders service settings storage stores
testing web"""
SMALL = "mfa_gate mfa_gate.errors mfa_gate.gate"


def imported_by(root: Path, code: str) -> set[str]:
    """The modules that a fresh process has after it ran ``code``, and had not before."""
    text = f"import sys\nbefore = set(sys.modules)\n{code}\nprint(*(set(sys.modules) - before))"
    ran = subprocess.run(
        [sys.executable, "-c", text],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root / "src")},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return set(ran.stdout.split())


def test_the_name_of_the_gate_imports_no_room(root: Path) -> None:
    """A module that names ``MFAGate`` imports none of the rooms, and no other package."""
    found = imported_by(root, "from mfa_gate import MFAGate")
    assert {name for name in found if name.startswith("mfa_gate")} == set(SMALL.split())
    assert {room for room in ROOMS.split() if f"mfa_gate.{room}" in found} == set()
    assert {name.partition(".")[0] for name in found} - {"mfa_gate"} <= sys.stdlib_module_names
    every = {path.name.removesuffix(".py") for path in (root / "src/mfa_gate").iterdir() if path.name[0] not in "_."}
    assert set(ROOMS.split()) <= every


def test_plain_values_import_no_use_case(root: Path) -> None:
    """A value for the gate, or from ``identify``, needs neither web nor use cases."""
    found = imported_by(root, "from mfa_gate import Contacts, RelyingParty, Senders, SettingsError, Subject, Upstream")
    unused = ("factors", "policyfile", "service", "stores", "senders", "web")
    assert {room for room in unused if f"mfa_gate.{room}" in found} == set()


def test_a_gate_imports_only_the_store_that_it_uses(root: Path) -> None:
    """A gate over memory loads no other store, no sender, no command.

    Packages that only those need are not loaded either.
    """
    found = imported_by(root, MAKE.replace("KEY", make_key(bytes(range(7, 39)))))
    unused = ("senders", "cli", "testing", "stores.redis", "stores.sqlite", "stores.postgres")
    assert {room for room in unused if f"mfa_gate.{room}" in found} == set()
    packages = {
        "aiosmtplib",
        "cbor2",
        "httpx2",
        "jwt",
        "phonenumbers",
        "psycopg",
        "pywebpush",
        "redis",
        "sqlite3",
        "webauthn",
    }
    assert packages & found == set()
