"""Import enrolled authenticator apps: read the sources, judge each secret, write accounts."""

from __future__ import annotations

from ...service.maintenance.totp_import import Report, bring
from ...service.maintenance.totp_records import Record, Unusable
from .sources import FORMATS, Options, read, separator_in

__all__ = ["FORMATS", "Options", "Record", "Report", "Unusable", "bring", "read", "separator_in"]
