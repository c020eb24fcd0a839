"""The line of a person in a review: the facts that reviewers ask for, each at its edge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.model import Acceptance, Account, Grant, Lock, Recovery, SubjectKey, Ticket
from mfa_gate.core.person_line import MEMBERS, TIMES, Strength, absent_line, line_of

from .builders import NOW, account, proof

STRENGTH = Strength(resistant=("key", "paper"), backup=("paper",), texts=("text",))
GRANT = Grant(
    ref="G",
    asked_by="eve",
    asked_at=NOW - 60,
    reason="r",
    ticket="T",
    life=3600,
    epoch=0,
    confirmed_by="x",
    ends_at=NOW + 1,
)


def line(of: Account) -> Any:
    return line_of(of, STRENGTH, NOW)


@pytest.mark.parametrize(
    ("factors", "resistant", "texts_only"),
    [
        ((), False, False),
        (("text",), False, True),
        (("text", "paper"), False, True),
        (("text", "app"), False, False),
        (("paper",), False, False),
        (("app",), False, False),
        (("key", "text"), True, False),
    ],
)
def test_how_strong_a_person_is(factors: tuple[str, ...], resistant: bool, texts_only: bool) -> None:
    """Backup codes are no factor of their own.

    Whoever has only texts is in reach of a stolen number.
    """
    made = line(account(*factors))
    assert (made.factors, made.phishing_resistant, made.texts_only) == (factors, resistant, texts_only)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"grant": GRANT}, {"break_glass": "open", "break_glass_ends_at": NOW + 1}),
        ({"grant": replace(GRANT, ends_at=NOW)}, {"break_glass": "", "break_glass_ends_at": 0}),
        ({"grant": replace(GRANT, ends_at=0)}, {"break_glass": "asked", "break_glass_ends_at": 0}),
        ({}, {"break_glass": "", "break_glass_ends_at": 0}),
        ({"frozen_until": NOW + 1}, {"disputed_until": NOW + 1}),
        ({"frozen_until": NOW}, {"disputed_until": 0}),
        ({"ticket": Ticket(digest="d", expires_at=NOW + 1, actor="", ref="")}, {"ticket_ends_at": NOW + 1}),
        ({"ticket": Ticket(digest="d", expires_at=NOW, actor="", ref="")}, {"ticket_ends_at": 0}),
        (
            {"lock": Lock(at=NOW - 9, cause="attempts", ref="L", actor="eve")},
            {"locked_at": NOW - 9, "locked_by": "eve", "lock_cause": "attempts", "lock_ref": "L", "status": "locked"},
        ),
        (
            {},
            {"locked_at": 0, "locked_by": "", "lock_cause": "", "recovery_at": 0, "agreement": "", "ticket_ends_at": 0},
        ),
        (
            {"recovery": Recovery(ref="R", at=NOW - 5, about="lost", network="")},
            {"recovery_at": NOW - 5, "status": "recovery"},
        ),
        (
            {
                "acceptances": tuple(
                    Acceptance(agreement="a", version=version, digest="d", at=NOW - age, network="")
                    for version, age in (("1", 9), ("3", 1), ("2", 5))
                )
            },
            {"agreement": "3"},
        ),
    ],
)
def test_what_a_line_tells(parts: dict[str, Any], told: dict[str, Any]) -> None:
    """A thing that is over is not told, to the second.

    Of several acceptances the latest counts.
    """
    made = line(account("app", proofs=(proof(age=7),), **parts))
    assert {name: getattr(made, name) for name in told} == told
    assert (made.is_met, made.is_whole, made.last_proof_at) == (True, True, NOW - 7)


def test_a_person_whom_only_the_directory_knows() -> None:
    """Nothing is known of them, and the line says so."""
    made = absent_line(SubjectKey("clinic", "bob"), "Bob")
    assert (made.key, made.name, made.status) == (SubjectKey("clinic", "bob"), "Bob", "not_enrolled")
    assert (made.is_met, made.is_whole, made.factors, made.phishing_resistant) == (False, True, (), False)
    assert set(MEMBERS) >= TIMES
    assert {getattr(made, name) for name in TIMES} == {0}
