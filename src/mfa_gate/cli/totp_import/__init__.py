"""Bringing enrolled authenticator apps from elsewhere: reading the sources, judging each secret, and writing accounts."""

from __future__ import annotations

from .loading import Report, bring
from .records import Record, Unusable
from .sources import FORMATS, Options, read, separator_in

__all__ = ["FORMATS", "Options", "Record", "Report", "Unusable", "bring", "read", "separator_in"]
