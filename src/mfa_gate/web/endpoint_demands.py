"""Find the demands of the app's endpoints in its routes, before anybody asks there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..core.policy import Demand
from ..policyfile.tools.routes import unfolded

MARK = "mfa_gate_demand"
"""Attribute in which a ``require_proof``, or an endpoint that it decorates, shows its demand."""
DEEPEST = 20


class EndpointDemands:
    """The demands of one gate's endpoints.

    A change of factors keeps them as floors, even if nobody has called their endpoints yet.
    """

    def __init__(self) -> None:
        self._apps: list[Any] = []
        self._noted: dict[Demand, None] = {}
        self._looked_at = (0, 0)
        self._found: tuple[Demand, ...] = ()

    def add_app(self, app: Any) -> None:
        """Look for demands in the routes of ``app``, too."""
        self._apps.append(app)

    def note(self, demand: Demand) -> None:
        """Keep a demand that a request has met.

        Not every app has routes to look at.
        """
        self._noted.setdefault(demand)

    def __call__(self) -> tuple[Demand, ...]:
        """List all known demands; the routes are read anew when there are more of them."""
        seen = (len(self._noted), sum(len(_routes_of(app)) for app in self._apps))
        if seen != self._looked_at:
            in_routes = [demand for app in self._apps for demand in demands_in(app)]
            self._found, self._looked_at = tuple(dict.fromkeys([*in_routes, *self._noted])), seen
        return self._found


def demands_in(app: Any) -> Iterator[Demand]:
    """Find the demands of an app's endpoints, through mounts and dependencies."""
    yield from _in_routes(_routes_of(app), DEEPEST)


def _routes_of(app: Any) -> list[Any]:
    at = app
    for _ in range(DEEPEST):
        if at is None or hasattr(at, "routes"):
            break
        at = getattr(at, "app", None)
    return list(getattr(at, "routes", None) or ())


def _in_routes(routes: list[Any], depth: int) -> Iterator[Demand]:
    for route in unfolded(routes):
        yield from _shown_by(getattr(route, "endpoint", None))
        yield from _in_dependencies(getattr(route, "dependant", None), depth)
        if depth:
            yield from _in_routes(_routes_of(route), depth - 1)


def _in_dependencies(dependant: Any, depth: int) -> Iterator[Demand]:
    if dependant is None or not depth:
        return
    yield from _shown_by(getattr(dependant, "call", None))
    for inner in getattr(dependant, "dependencies", ()):
        yield from _in_dependencies(inner, depth - 1)


def _shown_by(endpoint: Any) -> Iterator[Demand]:
    """Read the mark of an endpoint, of a function that it wraps, or of a class's methods."""
    parts = [endpoint]
    if isinstance(endpoint, type):
        parts += [
            getattr(endpoint, name, None) for name in ("get", "post", "put", "patch", "delete", "head", "options")
        ]
    for part in parts:
        for _ in range(DEEPEST):
            demand = getattr(part, MARK, None)
            if isinstance(demand, Demand):
                yield demand
            part = getattr(part, "__wrapped__", None)
            if part is None:
                break
