"""The values of the desk's start page, and of its reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ...service.admin.needs import Need
from ...service.admin.reports import Report, Row
from ..bars import Bars
from .desk import Desk

__all__ = ["AdminReport", "AdminReports", "AdminStart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminStart:
    """The page ``/admin``: what needs somebody (``needs``), and how far the roll-out is.

    ``urls`` lead to the people that are named, ``more`` to all of a kind.
    """

    template: ClassVar[str] = "admin/start.html"
    desk: Desk
    needs: Mapping[str, Need]
    urls: Mapping[str, str]
    more: Mapping[str, str]
    known: int = 0
    set_up: int = 0
    exempt: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminReports:
    """The page ``/admin/reports``: the reports that the actor may read."""

    template: ClassVar[str] = "admin/reports.html"
    desk: Desk
    reports: tuple[Report, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminReport:
    """One report.

    ``rows`` are the first ones; ``is_cut`` says that the file has more. ``plots`` are drawn from them.
    """

    template: ClassVar[str] = "admin/report.html"
    desk: Desk
    report: Report
    at: int
    rows: tuple[Row, ...]
    is_cut: bool
    urls: tuple[str, ...]
    csv_url: str
    back: str
    plots: tuple[Bars, ...] = ()
