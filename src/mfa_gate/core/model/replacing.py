"""``replace``: a copy of a record with some of its parts changed.

It does the same as ``dataclasses.replace``, in less than half the time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["replace"]

_Parts = tuple[Callable[[Any], tuple[Any, ...]], tuple[Callable[[Any, Any], None], ...]]
_set = object.__setattr__


@cache
def _parts(cls: type[Any]) -> _Parts:
    """Make the function that reads all parts of such a record, and those that write them."""
    names = [item.name for item in fields(cls)]
    if len(names) < 2 or hasattr(cls, "__post_init__"):
        raise TypeError(f"{cls.__name__} is checked when it is made: use dataclasses.replace")
    return attrgetter(*names), tuple(getattr(cls, name).__set__ for name in names)


if TYPE_CHECKING:
    from dataclasses import replace
else:

    def replace(record, /, **changes):
        """Copy a frozen record with slots, with new values for the named parts.

        Nothing is checked anew. Raises ``AttributeError`` for a part that the record does not have.

        Every challenge copies a dozen records of an account. ``__init__`` would be slower, because it handles each
        part by its name.
        """
        read, write = _parts(record.__class__)
        made = object.__new__(record.__class__)
        for put, value in zip(write, read(record), strict=True):
            put(made, value)
        for name, value in changes.items():
            _set(made, name, value)
        return made
