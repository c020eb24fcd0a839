"""The values that the list of people at the desk shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ...core.person_line import PersonLine
from .desk import Desk

__all__ = ["AdminAccounts", "Head", "PersonRow", "Tab"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """A state to choose: its word ("" for everybody), its address, its number of people."""

    word: str
    url: str
    count: int
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A column that sorts: its name, the address that sorts by it, and the present order.

    The order is "", "up" or "down".
    """

    name: str
    url: str
    order: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """One person. ``url`` leads to the account; it is "" for a person who has none yet."""

    line: PersonLine
    url: str
    can_be_picked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminAccounts:
    """The page ``/admin/accounts``: filter and sort by GET, act on many people by POST.

    ``words`` are the filters as they were typed, ``query`` and ``status`` two of them.
    ``counts`` are the accounts by status. ``wrong`` is a filter that is unknown or cannot be read; nothing is
    listed then. ``acts`` are those for the people who are ticked, or for everybody who fits ``filter``. ``looked_at`` says
    that the page has looked at many people, and goes on behind them.
    """

    template: ClassVar[str] = "admin/accounts.html"
    desk: Desk
    people: tuple[PersonRow, ...]
    counts: tuple[tuple[str, int], ...]
    tabs: tuple[Tab, ...]
    heads: Mapping[str, Head]
    words: Mapping[str, str]
    kinds: tuple[str, ...] = ()
    query: str = ""
    status: str = ""
    more_filters: bool = False
    hidden: tuple[tuple[str, str], ...] = ()
    wrong: str = ""
    may_remind: bool = False
    acts: tuple[str, ...] = ()
    filter: str = ""
    url: str = ""
    csv_url: str = ""
    next_url: str = ""
    first_url: str = ""
    looked_at: bool = False
    exempt: int = 0
