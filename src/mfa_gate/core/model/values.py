"""The types of lengths of time and of a factor's private state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NewType

Seconds = NewType("Seconds", int)
"""A length of time. Points in time are plain ``int`` (UTC, seconds since 1970) and named ``*_at``."""
Fields = Mapping[str, object]
"""Private state of one factor: JSON-shaped, read and written by ``factors/<kind>.py`` only. Secrets in it are sealed."""
