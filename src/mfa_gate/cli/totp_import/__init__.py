"""Import enrolled authenticator apps: read the sources, judge each secret, write accounts."""

from __future__ import annotations

from .loading import Report, bring
from .records import Record, Unusable
from .sources import FORMATS, Options, read, separator_in

__all__ = ["FORMATS", "Options", "Record", "Report", "Unusable", "bring", "read", "separator_in"]
