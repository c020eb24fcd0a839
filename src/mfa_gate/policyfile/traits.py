"""The traits of the installed factors, loaded when first asked for."""

from __future__ import annotations

from ..core.assurance import TraitsOf


def known_traits() -> TraitsOf:
    """The traits of every factor there is."""
    from ..factors import TRAITS

    return TRAITS
