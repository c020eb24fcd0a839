"""What the installed factors say of themselves, loaded when first asked for."""

from __future__ import annotations

from ..core.assurance import TraitsOf


def known_traits() -> TraitsOf:
    """The traits of every factor there is."""
    from ..factors import BUILT_IN

    return BUILT_IN.traits
