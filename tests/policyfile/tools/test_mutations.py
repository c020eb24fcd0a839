"""Changes of the example policy of every kind, looser ones and stricter ones."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mfa_gate.policyfile import parse_policy
from mfa_gate.policyfile.tools.diff import are_equal, differences, loosened

from ..kinds import HERE
from .mutations import LOOSER, TIGHTER, Mutation, example

NOW = 1_790_000_000
"""In September 2026."""
EXAMPLE = example()
OLD = parse_policy(EXAMPLE, base=HERE)


def some(mutations: Sequence[tuple[object, ...]], *also: int) -> list[object]:
    """Mark all but each eighth as long: together they take a minute.

    Those that are ``also`` named stay: each alone reaches a branch of the search for a witness.
    """
    return [
        pytest.param(
            *((one,) if isinstance(one, Mutation) else one),
            marks=[] if number % 8 == 0 or number in also else [pytest.mark.long],
        )
        for number, one in enumerate(mutations)
    ]


@pytest.mark.parametrize(
    "mutation", some(LOOSER, 3), ids=lambda mutation: f"{mutation.old[:30]} to {mutation.new[:30]}"
)
def test_what_loosens_is_looser(mutation: Mutation) -> None:
    """It is told as looser, with a witness if a request can show it, and nothing is left out."""
    found = loosened(differences(OLD, parse_policy(mutation.made(EXAMPLE), base=HERE), now=NOW))
    assert found
    assert all(entry.path != "(left out)" for entry in found)
    assert any(entry.witness is not None for entry in found) is mutation.seen


@pytest.mark.parametrize(("old", "new"), some(TIGHTER, 9, 21), ids=lambda text: text[:30])
def test_what_tightens_or_reorders_is_not_looser(old: str, new: str) -> None:
    """Nothing of it is told as looser."""
    after = parse_policy(Mutation(old, new).made(EXAMPLE), base=HERE)
    assert loosened(differences(OLD, after, now=NOW)) == ()


def test_there_are_sixty_of_each() -> None:
    """The lists are long enough to stand for every key."""
    assert len(LOOSER) >= 60
    assert len(TIGHTER) >= 60


def test_the_example_equals_itself() -> None:
    """No change is no difference."""
    assert are_equal(differences(OLD, parse_policy(EXAMPLE + "# a remark\n", base=HERE), now=NOW))
