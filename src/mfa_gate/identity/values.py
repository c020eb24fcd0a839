"""What adapters read, made into what a ``Subject`` is made of; anything else is an error and never a guess."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..core.model import Upstream
from ..errors import SettingsError

LATEST = 1 << 53
"""Beyond every point in time, and the last whole number that JSON tells exactly."""


class WiringFault(SettingsError):
    """The middleware stack is in the wrong order: what tells who is signed in has not run when the gate asks."""


def dig(value: object, path: str) -> object:
    """The value at a dotted path of mappings, or None where a part is missing."""
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def as_text(value: object, what: str) -> str:
    """An id as text: a non-empty string, or an integer in its decimal form. Raises ``ValueError`` for anything else."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"{what} must be a non-empty str or an int, not {type(value).__name__}")


def as_groups(value: object) -> frozenset[str]:
    """Groups as a set: None, one name, or several. Raises ``ValueError`` for anything else."""
    if value is None:
        return frozenset()
    if isinstance(value, str):
        return frozenset((value,))
    if isinstance(value, Iterable):
        groups = frozenset(value)
        if all(isinstance(group, str) for group in groups):
            return groups
    raise ValueError("groups must be a list of str")


def upstream_of(amr: object, acr: object, at: object) -> Upstream | None:
    """What an identity provider says of the sign-in, or None where it says nothing that can be read: that counts for
    nothing, and a second factor is asked for."""
    words = (amr,) if isinstance(amr, str) else tuple(amr) if isinstance(amr, (list, tuple)) else ()
    told = tuple(word for word in words if isinstance(word, str))
    if not isinstance(at, (int, float)) or isinstance(at, bool) or not (told or isinstance(acr, str)):
        return None
    # Not a number, endless, or longer than what can be printed: no time, and no reason to refuse the request.
    if not 0 < at < LATEST:
        return None
    return Upstream(amr=told, acr=acr if isinstance(acr, str) else "", at=int(at))


def attribute(user: Any, what: str | Callable[[Any], Any]) -> Any:
    """What an adapter was told to read of a user object: an attribute, or the result of a function."""
    return what(user) if callable(what) else getattr(user, what, None)
