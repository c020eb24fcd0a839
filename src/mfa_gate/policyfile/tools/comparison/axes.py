"""The product of axes, with a bound.

An axis lists the values that stand for all others. It lists one value only where more could not show a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from .pair import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis: its name in the plural, and its values for a pair of policies.

    The plainest values come first. ``most``: so many values mean that there are more.
    """

    name: str
    values: Callable[[Pair], Sequence[Any]]
    most: int = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounded:
    """The values of each axis after cutting. ``left_out`` says in words how many were cut."""

    values: tuple[Sequence[Any], ...]
    left_out: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return product(*self.values)


def bounded(axes: Sequence[Axis], pair: Pair, most: int) -> Bounded:
    """Make the product of ``axes``, of at most ``most`` combinations.

    The longest axes are cut until the product fits. The first values of an axis stay.
    """
    values = [list(axis.values(pair)) for axis in axes]
    counts = [len(found) for found in values]
    while prod(len(found) for found in values) > most:
        longest = max(values, key=len)
        others = prod(len(found) for found in values if found is not longest)
        del longest[max(1, most // others) :]  # fewer than there are: the product was too large
    left_out = tuple(
        f"only {len(found)} of {count}{' or more' if count >= axis.most else ''} {axis.name} were compared"
        for axis, found, count in zip(axes, values, counts, strict=True)
        if len(found) < count or count >= axis.most
    )
    return Bounded(values=tuple(values), left_out=left_out)
