"""The reports: one row a report.

To add one, write its file beside this one and add its row.
"""

from __future__ import annotations

from collections.abc import Mapping

from . import adoption, exemptions, lockouts, open_states, outcomes, sends, stale
from .report import Column, Plot, Report, Row, Sources, Value

__all__ = ["REPORTS", "Column", "Plot", "Report", "Row", "Sources", "Value"]

_ROWS = (
    adoption.REPORT,
    stale.REPORT,
    exemptions.REPORT,
    lockouts.REPORT,
    outcomes.LOCKS,
    outcomes.CHALLENGES,
    sends.REPORT,
    open_states.GRANTS,
    open_states.DISPUTES,
    open_states.TICKETS,
    open_states.AGREEMENTS,
)
REPORTS: Mapping[str, Report] = {row.name: row for row in _ROWS}
