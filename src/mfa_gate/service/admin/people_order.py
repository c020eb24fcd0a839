"""The orders of a list of people, and the cursors of its pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import nlargest, nsmallest

from ...core.person_line import PersonLine

MARK = "\x1f"
"""The first character of a cursor that is no id: no id has it."""
Key = tuple[str | int, ...]
REST = "rest"
"""The group of everybody who is in no group before it."""
NEEDS = ("locked", "recovery", REST, "absent")
"""Groups of people in the order in which they need somebody. The absent are those whom only a directory knows."""
_KEYS: dict[str, Callable[[PersonLine], Key]] = {
    "id": lambda line: (line.id,),
    "name": lambda line: ((line.name or line.id).casefold(), line.id),
    "last": lambda line: (line.last_proof_at, line.id),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A place in a list: behind an id of a group, or behind the key of a sorted line."""

    group: int = 0
    after: str = ""
    key: Key = ()

    @property
    def text(self) -> str:
        """Write it for the address of the next page. In the first group it is the id alone."""
        if self.key:
            return MARK + json.dumps(self.key, ensure_ascii=False)
        return f"{MARK}{self.group}{MARK}{self.after}" if self.group else self.after

    def is_before(self, key: Key, *, turned: bool) -> bool:
        """Tell if a line with this key comes behind the place."""
        if not self.key or [type(part) for part in key] != [type(part) for part in self.key]:
            return True
        return key < self.key if turned else key > self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order. ``key`` is None where the store gives it: by id, in one group or by need."""

    by_need: bool = False
    key: Callable[[PersonLine], Key] | None = None
    turned: bool = False

    def groups(self, status: str) -> tuple[str, ...]:
        """List the groups that hold people of ``status``.

        "" in place of a state stands for everybody.
        """
        if status:
            return (status, "absent") if status == "not_enrolled" else (status,)
        return NEEDS if self.by_need else ("", "absent")

    def cursor(self, groups: Sequence[str], last: PersonLine) -> str:
        """Write the place behind a line."""
        own = last.status if last.status in groups else REST if REST in groups else ""
        group = own if last.is_met else "absent"
        return Cursor(group=groups.index(group), after=last.id).text

    def first(self, lines: Sequence[PersonLine], count: int) -> list[PersonLine]:
        """Return the first lines in this order."""
        key = self.key or _KEYS["id"]
        return nlargest(count, lines, key=key) if self.turned else nsmallest(count, lines, key=key)


def order_of(sort: str) -> Order:
    """Return the order of a name; "" is the order by need."""
    if not sort or sort == "id":
        return Order(by_need=not sort)
    return Order(key=_KEYS[sort.removeprefix("-")], turned=sort.startswith("-"))


def cursor_of(text: str) -> Cursor:
    """Read a cursor. One that no page gave is the beginning."""
    if not text.startswith(MARK):
        return Cursor(after=text)
    group, _, after = text[1:].partition(MARK)
    if group.isascii() and group.isdecimal():
        return Cursor(group=int(group[:2]), after=after)
    try:
        match json.loads(text[1:]):
            case [str(one)]:
                return Cursor(key=(one,))
            case [str(one), str(id)]:
                return Cursor(key=(one, id))
            case [int(number), str(id)]:
                return Cursor(key=(number, id))
    except (ValueError, RecursionError):
        pass
    return Cursor()
