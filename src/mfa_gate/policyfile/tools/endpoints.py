"""Read the demands that an app's endpoints show by themselves (``require_proof``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...core.durations import format_duration
from ...core.policy import POLICY_AGE, Demand

MARK = "mfa_gate_demand"
"""The attribute by which a ``require_proof``, or what it decorates, shows its demand."""
LOST = "mfa_gate_lost"
"""The attribute of a function that a ``require_proof`` decorates: the demands that its bare form lacks."""
UNCALLED = "mfa_gate_uncalled"
"""The attribute of the class ``require_proof`` itself, which demands nothing where it is used without being called."""
DEEPEST = 20
METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


def demands_of(route: Any) -> Iterator[Demand]:
    """List the demands of one route's endpoint and of its dependencies."""
    yield from _shown_by(getattr(route, "endpoint", None))
    for call in _dependencies(getattr(route, "dependant", None), DEEPEST):
        yield from _shown_by(call)


def lost_at(route: Any) -> Iterator[str]:
    """List each ``require_proof`` of one route that is never asked, with its fix."""
    for part in _parts(getattr(route, "endpoint", None)):
        above: list[Demand] = []
        for layer in _layers(part):
            lost = [demand for demand in vars(layer).get(LOST, ()) if demand not in above] if _has_vars(layer) else []
            for demand in lost:
                yield (
                    f"{written(demand)} stands above the decorator that registers the route, so the route has the bare "
                    f"function {getattr(layer, '__name__', '?')} and nothing is asked: put it below, next to the function. A "
                    "route that is meant to ask nothing needs a function of its own"
                )
            shown = getattr(layer, MARK, None)
            above += [shown] if isinstance(shown, Demand) else []
    for call in _dependencies(getattr(route, "dependant", None), DEEPEST):
        if isinstance(call, type) and getattr(call, UNCALLED, False):
            yield "Depends(require_proof) asks nothing: call it, Depends(require_proof())"


def written(demand: Demand) -> str:
    """Write a demand as it stands in the code, e.g. ``require_proof("5m")``."""
    parts = [] if demand.max_age == POLICY_AGE else [f'"{format_duration(demand.max_age)}"']
    if demand.phishing_resistant:
        parts.append("phishing_resistant=True")
    if demand.factors_any:
        parts.append("factors=[" + ", ".join(f'"{kind}"' for kind in demand.factors_any) + "]")
    if demand.user_verification:
        parts.append("user_verification=True")
    return f"{demand.rule}({', '.join(parts)})"


def _shown_by(endpoint: Any) -> Iterator[Demand]:
    for part in _parts(endpoint):
        for layer in _layers(part):
            demand = getattr(layer, MARK, None)
            if isinstance(demand, Demand):
                yield demand


def _parts(endpoint: Any) -> list[Any]:
    """List an endpoint, and the methods of a class of endpoints."""
    if not isinstance(endpoint, type):
        return [endpoint]
    return [endpoint, *(getattr(endpoint, name, None) for name in METHODS)]


def _layers(part: Any) -> Iterator[Any]:
    """Walk from the outermost decorator to the function."""
    for _ in range(DEEPEST):
        if part is None:
            return
        yield part
        part = getattr(part, "__wrapped__", None)


def _has_vars(part: Any) -> bool:
    return hasattr(part, "__dict__")


def _dependencies(dependant: Any, depth: int) -> Iterator[Any]:
    if dependant is None or not depth:
        return
    yield getattr(dependant, "call", None)
    for inner in getattr(dependant, "dependencies", ()):
        yield from _dependencies(inner, depth - 1)
