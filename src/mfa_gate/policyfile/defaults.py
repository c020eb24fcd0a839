"""Find the default of each key, as the file would write it."""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING
from typing import Any

from ..core.durations import format_duration
from ..core.rules import FactorRules, Rules
from ..factors import Registry
from .shape import Spec, specs_of


def default_of(cls: type, spec: Spec, factors: Registry) -> Any:
    """Return the default of a key as a value of the file: a duration is text, a list a list.

    Returns None for a key that is absent by default, and for a section whose keys have their own defaults.
    """
    if spec.is_option:
        return None
    if cls is FactorRules and spec.name in ("allowed", "order"):
        return list(getattr(factors.completed(Rules()).factors, spec.name))
    value = next(field for field in dataclasses.fields(cls) if field.name == spec.name).default
    if spec.kind in ("tables", "networks") or value is MISSING or value is None:
        return None
    if spec.of is not None:
        inner = specs_of(spec.of)
        if not any(item.required for item in inner):
            return None
        return {item.key: _written(item, getattr(value, item.name)) for item in inner}
    return _written(spec, value)


def _written(spec: Spec, value: Any) -> Any:
    if spec.kind == "duration":
        return format_duration(value)
    return list(value) if isinstance(value, tuple) else value


def toml(value: Any) -> str:
    """Write a value of the file as TOML, on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case list() | tuple():
            return f"[{', '.join(toml(item) for item in value)}]"
        case dict():
            return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    return str(value)
