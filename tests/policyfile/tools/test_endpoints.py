"""The demands that endpoints show by themselves, and those that are lost."""

from __future__ import annotations

from functools import wraps
from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate import require_proof
from mfa_gate.core.model import Seconds
from mfa_gate.core.policy import POLICY_AGE, Demand
from mfa_gate.policyfile.tools.endpoints import DEEPEST, MARK, demands_of, lost_at, written

FRESH = Demand(rule="require_proof", max_age=Seconds(300))


def route(endpoint: Any = None, *dependencies: Any) -> Any:
    """Make a route with an endpoint, and dependencies each inside of the one before."""
    inner = None
    for call in reversed(dependencies):
        inner = SimpleNamespace(call=call, dependencies=[inner] if inner else [])
    return SimpleNamespace(endpoint=endpoint, dependant=inner)


def shows(demand: Demand) -> Any:
    """Make a function that shows a demand."""

    async def call() -> None: ...

    setattr(call, MARK, demand)
    return call


class Endpoints:
    """A class of endpoints."""

    get = shows(FRESH)
    post = shows(Demand(rule="require_proof", max_age=Seconds(60)))
    helper = shows(Demand(rule="none of them", max_age=Seconds(1)))


def test_what_a_route_demands() -> None:
    """A route shows demands by its layers, its methods and all of its dependencies."""
    plain = shows(FRESH)

    @wraps(plain)
    async def outer() -> None: ...

    assert [demand.max_age for demand in demands_of(route(outer))] == [300, 300]
    assert [demand.max_age for demand in demands_of(route(Endpoints))] == [300, 60]
    assert [demand.max_age for demand in demands_of(route(None, None, plain))] == [300]
    assert [*demands_of(route())] == []
    deep = [lambda: None] * (DEEPEST - 1)
    assert len([*demands_of(route(None, *deep, plain))]) == 1
    assert [*demands_of(route(None, *deep, None, plain))] == []


def test_a_chain_without_end() -> None:
    """A function that wraps itself is looked at some times, and no more."""
    plain = shows(FRESH)
    plain.__wrapped__ = plain
    assert len([*demands_of(route(plain))]) == DEEPEST


def test_a_proof_that_is_never_asked_for() -> None:
    """A decorator above the route's own, and an uncalled class, are told with a fix."""

    async def page(request: Any) -> None: ...

    registered = route(page)
    decorated = require_proof("5m")(page)
    (told,) = lost_at(registered)
    assert told.startswith('require_proof("5m") stands above the decorator that registers the route')
    assert "the bare function page" in told
    assert [*lost_at(route(decorated))] == []
    (told,) = lost_at(route(None, require_proof))
    assert told == "Depends(require_proof) asks nothing: call it, Depends(require_proof())"
    assert [*lost_at(route(None, require_proof(), dict, shows(FRESH)))] == []
    assert [*lost_at(route())] == []


@pytest.mark.parametrize(
    ("demand", "text"),
    [
        (Demand(rule="require_proof", max_age=POLICY_AGE), "require_proof()"),
        (FRESH, 'require_proof("5m")'),
        (
            Demand(
                rule="require_proof",
                max_age=Seconds(60),
                phishing_resistant=True,
                factors_any=("totp", "sms"),
                user_verification=True,
            ),
            'require_proof("1m", phishing_resistant=True, factors=["totp", "sms"], user_verification=True)',
        ),
    ],
)
def test_a_demand_in_the_words_of_the_code(demand: Demand, text: str) -> None:
    """It is written as it stands in the app."""
    assert written(demand) == text
