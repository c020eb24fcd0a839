"""A clause of a standard, and the checks of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ....core.rules import Rules
from ....factors import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The rules of one tenant that are compared with a clause, at ``now`` (UTC seconds)."""

    rules: Rules
    factors: Registry
    now: int


Remark = tuple[str, str]
"""A departure before it has its clause: the path of the key, and the difference in words."""
Check = Callable[[Judged], Iterator[Remark]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One clause of a standard.

    ``met`` says how a policy without a departure meets it. A clause without checks is met by the gate itself,
    whatever the policy says. Factors may know more departures.
    """

    number: str
    met: str
    checks: tuple[Check, ...] = ()
