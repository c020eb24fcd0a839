"""Policy files: any TOML is a policy, or faults with their lines."""

from __future__ import annotations

from pathlib import Path

from mfa_gate.errors import SettingsError
from mfa_gate.policyfile.loading import parse_policy

from ..target import Check, Target, told

FILES = Path(__file__).parents[2] / "policyfile"


def made() -> Check:
    """Make the check."""

    def read(data: bytes) -> None:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return
        try:
            policy = parse_policy(text, base=FILES)
        except SettingsError as error:
            told(error)
        else:
            assert policy.digest

    return read


def _seeds() -> tuple[bytes, ...]:
    """Return the example, whole and a section each."""
    head = b'version = 1\nname = "x"\n'
    found = [head]
    for path in (FILES / "example.toml", FILES / "rest.toml"):
        sections = path.read_bytes().split(b"\n[")
        found += [head + b"[" + section for section in sections[1:]]
    return tuple(found)


TARGET = Target(
    "policies",
    "every file is a policy, or faults that a person can mend",
    made,
    _seeds,
    (
        b"[factors]\n",
        b"allowed = []\n",
        b"[[exempt]]\n",
        b"[tenants.x]\n",
        b'"""',
        b"1979-05-27T07:32:00Z",
        b"inf",
        b"0x7f",
        b'"7d"',
        b"= {a = {b = 1}}",
    ),
    quick=75,
)
