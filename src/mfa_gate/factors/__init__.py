"""The factors: one file each with its template, and one line in the default registry."""

from __future__ import annotations

from .registry import BUILT_IN, DEFAULT_FACTORS, Registry

__all__ = ["BUILT_IN", "DEFAULT_FACTORS", "Registry"]
