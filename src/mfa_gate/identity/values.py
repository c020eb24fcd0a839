"""Make the parts of a ``Subject`` from the values that adapters read; never guess."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

from ..core.model import Upstream
from ..errors import SettingsError
from .credentials import Unreadable

log = logging.getLogger("mfa_gate")

P = ParamSpec("P")
R = TypeVar("R")

Fold = Callable[[str], str]
"""A function that makes one canonical id of the spellings of a name, e.g. ``str.casefold``."""

LATEST = 1 << 53
"""Beyond every point in time, and the last whole number that JSON tells exactly."""


class WiringFault(SettingsError):
    """Refuse to answer because the middleware that knows the user has not run yet."""


class Absent:
    """Log once for each name that somebody is signed in without it.

    A wrong name of groups or tenant would put everybody into no group, or into the default tenant.
    """

    def __init__(self, adapter: object) -> None:
        self._adapter = adapter
        self._told: set[str] = set()

    def tell(self, what: str, name: str) -> None:
        """Log that somebody is signed in without ``name``."""
        if name not in self._told:
            self._told.add(name)
            log.warning(
                "mfa_gate: %r: the sign-in of a person has no %r, which is to name the %s: store it at sign-in, or correct the "
                "name in the adapter",
                self._adapter,
                name,
                what,
            )


def check_names(adapter: str, required: Mapping[str, object], **optional: object) -> None:
    """Refuse a name of a key, claim or header that is no text.

    Raises ``SettingsError``, also for a required name that is empty.
    """
    for argument, value in {**required, **optional}.items():
        if not isinstance(value, str):
            raise SettingsError(
                f"identify: {adapter}: {argument}= is of type {type(value).__name__}; give a name as text"
            )
        if argument in required and not value:
            raise SettingsError(
                f"identify: {adapter}: {argument}= is empty; give the name under which the user's id is kept"
            )


def readable(make: Callable[P, R]) -> Callable[P, R]:
    """Turn a ``ValueError`` of ``make`` into ``Unreadable``, for values of the caller."""

    @functools.wraps(make)
    def made(*args: P.args, **named: P.kwargs) -> R:
        try:
            return make(*args, **named)
        except Unreadable:
            raise
        except ValueError as error:
            raise Unreadable(str(error)) from error

    return made


def folded(id: str, fold: Fold | None) -> str:
    """Fold an id by the developer's function, if there is one.

    Raises ``ValueError`` if the result is no text.
    """
    if fold is None:
        return id
    found = fold(id)
    if not isinstance(found, str):
        raise ValueError("fold= must return a str")
    return found


def dig(value: object, path: str) -> object:
    """Return the value at a dotted path of mappings; None if a part is missing."""
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def as_text(value: object, what: str) -> str:
    """Return an id as text: a non-empty string, or an integer in its decimal form.

    Raises ``ValueError`` for anything else.
    """
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"{what} must be a non-empty str or an int, not {type(value).__name__}")


def as_groups(value: object) -> frozenset[str]:
    """Make a set of None, of one name, or of several.

    Raises ``ValueError`` for anything else, and for a text that may hold several names ("admin,staff", "admin staff"): read
    as one name it would be in no group that a rule knows.
    """
    if value is None:
        return frozenset()
    if isinstance(value, str):
        if not value or any(char in ",;|" or char.isspace() for char in value):
            raise ValueError(
                "groups must be a list of str, not a text of several; split it by a function, or in the token"
            )
        return frozenset((value,))
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray, Mapping)):
        groups = tuple(value)
        if all(isinstance(group, str) for group in groups):
            return frozenset(groups)
    raise ValueError("groups must be a list of str")


def upstream_of(amr: object, acr: object, at: object) -> Upstream | None:
    """Read the word of an identity provider on the sign-in.

    Returns None if nothing in it can be read: then it counts for nothing, and a second factor is asked for.
    """
    words = (amr,) if isinstance(amr, str) else tuple(amr) if isinstance(amr, (list, tuple)) else ()
    told = tuple(word for word in words if isinstance(word, str))
    if not isinstance(at, (int, float)) or isinstance(at, bool) or not (told or isinstance(acr, str)):
        return None
    # Not a number, infinite, or too long to be printed: this is no time, but no reason to refuse the request.
    if not 0 < at < LATEST:
        return None
    return Upstream(amr=told, acr=acr if isinstance(acr, str) else "", auth_time=int(at))


def attribute(user: Any, what: str | Callable[[Any], Any]) -> Any:
    """Read an attribute of a user object, or the result of a function of it.

    Raises ``WiringFault`` for one that is missing. Taken for None, a misspelled name of groups or tenant would put everybody
    into no group, or into the default tenant.
    """
    if callable(what):
        return what(user)
    if not hasattr(user, what):
        raise WiringFault(f"identify: the user ({type(user).__name__}) has no attribute {what!r}")
    return getattr(user, what)


def word_of_provider(user: Any, what: str | Callable[[Any], Any]) -> Any:
    """Read an identity provider's word on the sign-in; None if the user object has none."""
    if callable(what):
        return what(user)
    return getattr(user, what, None) if what else None
