"""The values that the pages of an act on many people show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .desk import Desk, Slip

__all__ = ["AdminMany", "ManyEnd", "ManyRow", "ManyRows"]

ROWS_HERE = "<!-- rows -->"
"""The place in the page where the results go, as they come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminMany:
    """The page of an act on many people: first its numbers, then a result for each.

    ``act`` is the name of the act, ``counts`` are the numbers of people by the word of their outcome, and ``fits`` the
    number of those to whom something happens. ``is_cut``: more people were chosen than one run reaches. ``hidden`` are
    fields of the form. ``is_running``: the results come where ``rows_here`` stands.
    """

    template: ClassVar[str] = "admin/many.html"
    desk: Desk
    act: str
    back: str
    fits: int = 0
    counts: tuple[tuple[str, int], ...] = ()
    is_cut: bool = False
    hidden: tuple[tuple[str, str], ...] = ()
    can_mail: bool = False
    typed_reason: str = ""
    typed_mail: bool = False
    is_running: bool = False
    rows_here: str = ROWS_HERE


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyRow:
    """The result for one person.

    ``url`` leads to the account, ``slip`` has a fresh set-up code.
    """

    number: int
    id: str
    name: str
    url: str
    word: str
    mailed_to: str = ""
    slip: Slip | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyRows:
    """Some results of an act on many people, as a piece of the page.

    ``total`` is the number that was told before.
    """

    template: ClassVar[str] = "admin/many_rows.html"
    act: str
    rows: tuple[ManyRow, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyEnd:
    """The end of the results, as a piece of the page: the numbers.

    ``stopped`` is the refusal of the administrator that ended it early, "" for none. ``slips``: there are set-up codes to
    print.
    """

    template: ClassVar[str] = "admin/many_end.html"
    act: str
    back: str
    done: int
    others: int
    stopped: str = ""
    slips: bool = False
