"""The types of lengths of time and of a factor's private state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NewType

Seconds = NewType("Seconds", int)
"""A length of time. Points in time are plain ``int`` (UTC, seconds since 1970) and named ``*_at``."""
Fields = Mapping[str, object]
"""Private state of one factor, as JSON values. Only ``factors/<kind>.py`` reads and writes it. Secrets are sealed."""
