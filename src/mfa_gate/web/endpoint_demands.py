"""Find the demands of the app's endpoints in its routes, before anybody asks there."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

from ..core.policy import Demand
from ..policyfile.tools.routes import Leaf, leaf_for, leaves_of, owner_of_routes


class EndpointDemands:
    """The demands of one gate's endpoints.

    A change of factors keeps them as floors, even if nobody has called their endpoints yet.
    """

    def __init__(self) -> None:
        # Each app with the part of it that has the routes, if it is known: a request only counts them.
        self._apps: list[tuple[Any, Any]] = []
        self._noted: dict[Demand, None] = {}
        self._looked_at = (0, 0)
        self._found: tuple[Demand, ...] = ()
        self._methods: dict[str, set[str]] = {}
        self._read: dict[str, int] = {}

    def add_app(self, app: Any) -> None:
        """Look for demands in the routes of ``app``, too."""
        self._apps.append((app, owner_of_routes(app)))

    def note(self, demand: Demand) -> None:
        """Keep a demand that a request has met.

        Not every app has routes to look at.
        """
        self._noted.setdefault(demand)

    def lost(self) -> tuple[str, ...]:
        """List the demands of the apps' endpoints that are never asked (see ``lost_demands_in``)."""
        return tuple(dict.fromkeys(fault for app, _ in self._apps for fault in lost_demands_in(app)))

    def leaves(self) -> tuple[Leaf, ...]:
        """List the addresses of all apps whose routes can be listed."""
        return tuple(leaf for app, _ in self._apps for leaf in _leaves_of(app))

    def at(self, method: str, path: str) -> tuple[Demand, ...]:
        """List the demands of the endpoint that answers ``method`` at ``path``.

        It is that of the first app that has one.
        """
        found = (leaf_for(_leaves_of(app), method, path) for app, _ in self._apps)
        return next((leaf.demands for leaf in found if leaf is not None), ())

    def methods_of(self, path: str) -> Set[str]:
        """Collect the methods of all routes of the apps that have this very path.

        Each app is read once.
        """
        methods = self._methods.setdefault(path, set())
        for app, _ in self._apps[self._read.get(path, 0) :]:
            methods.update(method for leaf in _leaves_of(app) if leaf.template == path for method in leaf.methods)
        self._read[path] = len(self._apps)
        return methods

    def __call__(self) -> tuple[Demand, ...]:
        """List all known demands; the routes are read anew when there are more of them."""
        owners = [owner_of_routes(app) if owner is None else owner for app, owner in self._apps]
        seen = (len(self._noted), sum(len(list(owner.routes)) for owner in owners if owner is not None))
        if seen != self._looked_at:
            in_routes = [demand for app, _ in self._apps for demand in demands_in(app)]
            self._found, self._looked_at = tuple(dict.fromkeys([*in_routes, *self._noted])), seen
        return self._found


def demands_in(app: Any) -> Iterator[Demand]:
    """Find the demands of an app's endpoints, through mounts and dependencies."""
    for leaf in _leaves_of(app):
        yield from leaf.demands


def lost_demands_in(app: Any) -> tuple[str, ...]:
    """Find each ``require_proof`` that is never asked, with its address and its fix."""
    return tuple(dict.fromkeys(f"{leaf.template}: {fault}" for leaf in _leaves_of(app) for fault in leaf.lost))


def _leaves_of(app: Any) -> tuple[Leaf, ...]:
    """List the addresses of an app; none for one whose routes nobody can list."""
    try:
        return leaves_of(app)
    except ValueError:
        return ()
