"""The comparison of two policies by their decisions, on classes of requests.

A policy names a finite number of paths, methods, groups, ages and dates. Two requests on the same side of all of them
are decided alike, so one of them stands for both. ``request_classes`` and ``situations`` make these classes by a table of
axes; ``engine`` decides each under both policies, by the gate's own ``decide``.
"""

from __future__ import annotations

from .engine import Comparison, Found, compare_rules, decides_alike
from .pair import NAMELESS, Pair
from .witness import Witness, witness_of

__all__ = ["NAMELESS", "Comparison", "Found", "Pair", "Witness", "compare_rules", "decides_alike", "witness_of"]
