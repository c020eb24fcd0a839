"""Find the demands of the app's endpoints in its routes, before anybody asks there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..core.policy import Demand
from ..policyfile.tools.endpoints import DEEPEST, demands_of, lost_at
from ..policyfile.tools.routes import unfolded


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

    def lost(self) -> tuple[str, ...]:
        """List the demands of the apps' endpoints that are never asked (see ``lost_demands_in``)."""
        return tuple(dict.fromkeys(fault for app in self._apps for fault in lost_demands_in(app)))

    def __call__(self) -> tuple[Demand, ...]:
        """List all known demands; the routes are read anew when there are more of them."""
        seen = (len(self._noted), sum(len(_routes_of(app)) for app in self._apps))
        if seen != self._looked_at:
            in_routes = [demand for app in self._apps for demand in demands_in(app)]
            self._found, self._looked_at = tuple(dict.fromkeys([*in_routes, *self._noted])), seen
        return self._found


def demands_in(app: Any) -> Iterator[Demand]:
    """Find the demands of an app's endpoints, through mounts and dependencies."""
    for route in _routes_in(_routes_of(app), DEEPEST):
        yield from demands_of(route)


def lost_demands_in(app: Any) -> tuple[str, ...]:
    """Find each ``require_proof`` that is never asked, with its route and its fix."""
    found = {
        f"{getattr(route, 'path', '') or '?'}: {fault}": None
        for route in _routes_in(_routes_of(app), DEEPEST)
        for fault in lost_at(route)
    }
    return tuple(found)


def _routes_of(app: Any) -> list[Any]:
    at = app
    for _ in range(DEEPEST):
        if at is None or hasattr(at, "routes"):
            break
        at = getattr(at, "app", None)
    return list(getattr(at, "routes", None) or ())


def _routes_in(routes: list[Any], depth: int) -> Iterator[Any]:
    for route in unfolded(routes):
        yield route
        if depth:
            yield from _routes_in(_routes_of(route), depth - 1)
