"""A product of axes is cut to its bound, and says so."""

from __future__ import annotations

from math import prod

import pytest

from mfa_gate.core.rules import Rules
from mfa_gate.factors import BUILT_IN
from mfa_gate.policyfile.tools.comparison import Pair
from mfa_gate.policyfile.tools.comparison.axes import Axis, bounded

USUAL = BUILT_IN.completed(Rules())
PAIR = Pair(old=USUAL, new=USUAL, traits=BUILT_IN.traits, now=0)


def axis_of(name: str, length: int) -> Axis:
    """Make an axis of so many numbers."""
    return Axis(name=name, values=lambda _: range(length))


@pytest.mark.parametrize(
    ("lengths", "most", "kept"),
    [
        ((4, 3), 12, (4, 3)),  # it fits
        ((10, 3), 12, (4, 3)),
        ((5, 3), 14, (4, 3)),
        ((13,), 12, (12,)),
        ((7, 7), 20, (2, 7)),
        ((4, 4, 4), 2, (1, 1, 2)),  # at least one value of each
    ],
)
def test_the_longest_axis_is_cut(lengths: tuple[int, ...], most: int, kept: tuple[int, ...]) -> None:
    """As many values stay as fit, the first of each axis among them; each cut is told."""
    axes = [axis_of(f"axis {n}", length) for n, length in enumerate(lengths)]
    made = bounded(axes, PAIR, most)
    assert tuple(tuple(values) for values in made.values) == tuple(tuple(range(length)) for length in kept)
    assert prod(kept) == len(list(made)) <= most
    assert made.left_out == tuple(
        f"only {left} of {length} axis {n} were compared"
        for n, (left, length) in enumerate(zip(kept, lengths, strict=True))
        if left < length
    )


def test_an_axis_that_is_full_may_have_more() -> None:
    """As many values as an axis may list are told as "or more", though none was cut."""
    axis = Axis(name="paths", values=lambda _: range(3), most=3)
    assert bounded([axis], PAIR, 10).left_out == ("only 3 of 3 or more paths were compared",)
