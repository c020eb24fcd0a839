"""Every refusal as one row: its stable word, its HTTP status, and its words for people.

To add a reason, add its row to the file of its subject. The problem documents, the pages, the catalogues, the OpenAPI
document and the README take it from there.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import answers, factors, faults, rights
from .row import Reason, Sentence

__all__ = ["REASONS", "UNTYPED", "Reason", "Refusal", "Sentence"]

_ROWS = (*answers.ROWS, *factors.ROWS, *rights.ROWS, *faults.ROWS)

REASONS: dict[str, Reason] = {row.word: row for row in _ROWS}
if len(REASONS) != len(_ROWS):
    raise ValueError("a reason has two rows")

UNTYPED: dict[str, tuple[str, str]] = {row.word: row.untyped for row in _ROWS if row.untyped is not None}
"""Title and text of the reasons that have other words where no code is typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The reason why something was not done: an expected outcome, not an error.

    ``member`` names the one value that was given wrongly; "" if it is none, or more than one.
    ``ref`` is the event's id, if one was written. ``retry_after`` and ``max_age`` are in seconds. ``drift`` is the
    number of seconds by which a person's clock is ahead of ours (below zero: behind), if that is the reason. ``items``
    are the ids of the lines of a checklist that are still open.
    """

    reason: str
    ref: str = ""
    attempts_remaining: int | None = None
    retry_after: int | None = None
    detail: str = ""
    max_age: int | None = None
    drift: int = 0
    member: str = ""
    items: tuple[str, ...] = ()

    @property
    def row(self) -> Reason:
        """Return the table's row for this refusal."""
        return REASONS[self.reason]
