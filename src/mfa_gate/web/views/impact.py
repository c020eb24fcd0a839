"""The page of the impact of a policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...service.impact import Line
from ..chart import Chart
from .admin import Desk

__all__ = ["AdminImpact", "WalledOut"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WalledOut:
    """A person who could not go on.

    ``why`` is a key of ``core/stops.HELPS``, ``url`` leads to the account.
    """

    id: str
    why: str
    rules: tuple[str, ...]
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminImpact:
    """The page ``/admin/reports/impact``.

    ``first`` and ``last`` are the times of the first and the last request (UTC seconds, 0 for none). ``tables`` are named
    by ``service/impact.DIMENSIONS``. ``unknown`` lists what could not be known, with counts.
    """

    template: ClassVar[str] = "admin/impact.html"
    desk: Desk
    numbers: Line
    first: int
    last: int
    chart: Chart | None
    tables: tuple[tuple[str, tuple[Line, ...]], ...]
    walled_out: tuple[WalledOut, ...]
    unknown: tuple[tuple[str, int], ...]
    csv_url: str
