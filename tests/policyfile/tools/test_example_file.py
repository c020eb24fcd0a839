"""The example that ships is a valid policy with every key."""

from __future__ import annotations

import re

from mfa_gate.policyfile import findings, parse_policy
from mfa_gate.policyfile.tools.example_file import example_file
from mfa_gate.policyfile.tools.example_values import ALTERNATIVES, EXAMPLES, NEEDS_FILES
from mfa_gate.policyfile.tools.policy_tests import run_tests
from mfa_gate.policyfile.tools.reference import sections

from ..kinds import HERE

TEXT = example_file()
NOW = 1_800_000_000


def test_it_is_valid_without_a_remark_and_its_tests_hold() -> None:
    """A person who begins with the example begins with a sound policy."""
    policy = parse_policy(TEXT, base=HERE)
    assert findings(policy, now=NOW) == ()
    (trial,) = run_tests(policy, now=NOW)
    assert trial.faults == ()


def test_it_is_valid_with_the_keys_that_stand_in_comments() -> None:
    """The agreement in comments is right, too."""
    section = re.compile(r"^# (\[agreement\]|(?:id|version|title|file|again) = )", re.MULTILINE)
    policy = parse_policy(section.sub(r"\1", TEXT), base=HERE)
    assert policy.base.agreement is not None


def test_every_key_stands_in_it_below_its_meaning() -> None:
    """Each key has a line, and the line above says its meaning."""
    lines = TEXT.split("\n")
    for section in sections():
        if section.head.startswith("[rails."):
            continue
        start = next((n for n, line in enumerate(lines) if line.removeprefix("# ") == section.head), 0)
        for entry in section.entries:
            if entry.value in ("section", "sections"):
                continue
            at = next(n for n, line in enumerate(lines) if n >= start and f"{entry.key} = {entry.example}" in line)
            assert entry.about in lines[at - 1]
            is_told = entry.default not in ("", entry.example)
            assert lines[at - 1].endswith(f" Default: {entry.default}.") if is_told else "Default:" not in lines[at - 1]
        if section.head and section.about and section.head in (line.removeprefix("# ") for line in lines):
            assert lines[start - 1] == f"# {section.about}"
    assert not [line for line in lines if line.strip() == "#"]


def test_the_values_name_keys_that_there_are() -> None:
    """A key that is taken out leaves no example behind."""
    known = {(section.head, entry.key) for section in sections() for entry in section.entries}
    assert {(head, key) for head, keys in EXAMPLES.items() for key in keys} <= known
    assert known >= ALTERNATIVES
    assert {head for head, _ in known} >= NEEDS_FILES
