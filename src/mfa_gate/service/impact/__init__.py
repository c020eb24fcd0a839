"""The impact of a policy on the requests that report-only has recorded."""

from .document import document
from .replay import Replay, Stopped, replay
from .tables import DIMENSIONS, Line, PersonLine, people, people_csv, table, total, unknown

__all__ = [
    "DIMENSIONS",
    "Line",
    "PersonLine",
    "Replay",
    "Stopped",
    "document",
    "people",
    "people_csv",
    "replay",
    "table",
    "total",
    "unknown",
]
