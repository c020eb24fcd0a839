"""A deed of the model: one thing that happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

SEATS = tuple(range(6))
WORKERS = tuple(range(3))
GUESSES = tuple(range(0, 1000, 37))


@dataclass(frozen=True)
class Deed:
    """One thing that is done to the gate and to the reference, and compared.

    ``given`` are the arguments with the values that each may have. ``often`` makes the deed that many times as likely as
    others. The name of the function is the deed's name in a story.
    """

    do: Callable[..., None]
    given: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    often: float = 1

    @property
    def name(self) -> str:
        """The name of the deed in a story."""
        return self.do.__name__


def machine(base: type, deeds: Iterable[Deed]) -> Any:
    """Make a state machine of Hypothesis whose rules are the deeds."""
    as_rule: Any = rule
    rules: dict[str, object] = {"start": initialize()(_begin)}
    for deed in deeds:
        given: Any = {name: st.sampled_from(list(values)) for name, values in deed.given.items()}
        for number in range(max(1, round(deed.often))):
            rules[f"{deed.name}_{number}" if number else deed.name] = as_rule(**given)(_step(deed))
    return type(f"{base.__name__}OfHypothesis", (base, RuleBasedStateMachine), rules)


def _begin(self: Any) -> None:
    self.begin()


def _step(deed: Deed) -> Callable[..., None]:
    def step(self: Any, **given: Any) -> None:
        self.step(deed, given)

    step.__name__ = deed.name
    return step
