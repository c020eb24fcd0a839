"""Name the route of a request: the app's own pattern, or else the class of the path."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ..policyfile.tools.routes import WEBSOCKET, Leaf, leaf_for

DEEPEST = 6
"""The most segments of a path class."""
_VALUE = re.compile(r"[^/]*(?:\d[^/]*){3}|\d+|[0-9a-fA-F-]{12,}|[^/]*[@%:=,][^/]*|[^/]{33,}")
"""A segment that is a value: it has three digits, or is a number, a digest, an address, or long."""


class RouteNames:
    """The routes of the apps, which ``leaves`` lists.

    They are listed at the first request that asks.
    """

    def __init__(self, leaves: Callable[[], Sequence[Leaf]]) -> None:
        self._list = leaves
        self._leaves: Sequence[Leaf] | None = None

    def __call__(self, method: str, path: str) -> str:
        """Return the pattern of the route that answers, without the types of its parameters."""
        if self._leaves is None:
            self._leaves = self._list()
        leaf = leaf_for(self._leaves, method, path) or leaf_for(self._leaves, WEBSOCKET, path)
        if leaf is None:
            return path_class(path)
        return re.sub(r":[a-z]+}", "}", leaf.template)


def path_class(path: str) -> str:
    """Return a path with ``{value}`` in the place of each segment that looks like a value."""
    segments = path.split("/")[1:]
    named = ["{value}" if _VALUE.fullmatch(segment) else segment for segment in segments[:DEEPEST]]
    return "/" + "/".join([*named, "…"] if len(segments) > DEEPEST else named)
