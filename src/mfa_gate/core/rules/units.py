"""The length of a day."""

from __future__ import annotations

DAY = 86_400
