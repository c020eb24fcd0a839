"""Two axes of a table of tests, of which the default run takes the diagonal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest


def in_turn(first: Sequence[Any], second: Sequence[Any]) -> list[Any]:
    """Pair each of ``first`` with each of ``second``.

    All pairs but the diagonal are left to ``--long``. On the diagonal each value of both axes stands at least once: those of
    the shorter one take turns. A value may be a ``pytest.param`` with several values and an id.
    """
    turns = min(len(first), len(second))
    return [
        pytest.param(*values, id="-".join(names), marks=[] if row % turns == column % turns else [pytest.mark.long])
        for row, one in enumerate(first)
        for column, other in enumerate(second)
        for values, names in [_joined(one, other)]
    ]


def _joined(*given: Any) -> tuple[list[Any], list[str]]:
    values: list[Any] = []
    names: list[str] = []
    for one in given:
        many = hasattr(one, "values") and hasattr(one, "marks")
        values += one.values if many else [one]
        names.append(str(one.id if many and one.id is not None else one))
    return values, names
