"""Make the JSON Schema of a policy file, for editors, from the rows that the reader uses."""

from __future__ import annotations

from typing import Any

from ...core.durations import PATTERN
from ...core.options import Key
from ...core.rules import Exemption, Rules, SubjectExemption
from ...factors import BUILT_IN, Registry
from ..defaults import default_of
from ..keys import FILE_KEYS, PERMANENT_KEY, key_for
from ..rails import BOUNDS, EVERY, LIMITS
from ..scenario import Example
from ..shape import PERMANENT, Spec, leaves, specs_of

DRAFT = "https://json-schema.org/draft/2020-12/schema"
DATE = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
UNQUOTED = "A date of TOML, without quotes: 2027-12-31 or 2027-12-31T00:00:00Z."
"""Editors see dates as text, so only words can tell that quotes are refused."""
SPOKEN = {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string", "pattern": r"\S"}}
ONCE = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}


def json_schema(factors: Registry = BUILT_IN) -> dict[str, Any]:
    """Make the schema of a whole policy file."""
    sections = _table(Rules, factors)["properties"]
    properties: dict[str, Any] = {
        "version": {"const": 1},
        "name": {"type": "string", "minLength": 1, "maxLength": 100},
        "tenants_are": {"enum": ["open", "closed"], "default": "open"},
        **sections,
        "rails": _closed({".".join(leaf): _rail(spec) for leaf, spec in leaves(factors).items()}),
        "tenants": {"type": "object", "additionalProperties": _table(Rules, factors, partial=True)},
        "tests": {"type": "array", "items": _table(Example, factors)},
    }
    for name, row in FILE_KEYS.items():
        properties[name]["description"] = meaning(row)
    return {"$schema": DRAFT, "title": "mfa-gate policy", **_closed(properties, required=["version", "name"])}


def _table(cls: type, factors: Registry, *, partial: bool = False) -> dict[str, Any]:
    """Make the schema of the table of ``cls``.

    ``partial``: the table lies over another one, so nothing in it is required.
    """
    properties = {spec.key: _value(cls, spec, factors, partial=partial) for spec in specs_of(cls, factors)}
    required = [spec.key for spec in specs_of(cls, factors) if spec.required and not partial]
    if cls in (Exemption, SubjectExemption):
        properties[PERMANENT] = {"type": "boolean", "description": meaning(PERMANENT_KEY)}
        ends = [{"required": ["expires"]}, {"required": [PERMANENT], "properties": {PERMANENT: {"const": True}}}]
        return {**_closed(properties, required=[*required, "reason"]), "oneOf": ends}
    return _closed(properties, required=required)


def _value(cls: type, spec: Spec, factors: Registry, *, partial: bool) -> dict[str, Any]:
    row = key_for(cls, spec.name, factors)
    default = default_of(cls, spec, factors)
    about: dict[str, Any] = {"description": meaning(row)}
    if default is not None and not partial:
        about["default"] = default
    match spec.kind:
        case "table":
            assert spec.of is not None
            return {**_table(spec.of, factors, partial=partial), **about}
        case "tables":
            assert spec.of is not None
            return {"type": "array", "items": _table(spec.of, factors), **about}
        case "duration":
            return {"type": "string", "pattern": PATTERN, **about}
        case "instant":
            return {**DATE, **about, "description": f"{about['description']} {UNQUOTED}"}
        case "integer":
            return {"type": "integer", **_bounds(row), **about}
        case "boolean":
            return {"type": "boolean", **about}
        case "word":
            return {"enum": list(spec.words), **about}
        case "list" if row.one_of:
            return {**ONCE, "items": {"enum": list(row.one_of)}, **about}
        case "list":
            return {**ONCE, **about}
        case "paths":
            return {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": r"^=/|^/.*\*\*$"}, **about}
        case "networks":
            return {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}, **about}
    if row.spoken:
        return {"anyOf": [{"type": "string"}, SPOKEN], **about}
    return {"type": "string", **about}


def meaning(row: Key) -> str:
    """Write the meaning of a key, and then its bounds."""
    return f"{row.means} {row.says[:1].upper()}{row.says[1:]}." if row.says else row.means


def _bounds(row: Key) -> dict[str, int]:
    found = {}
    if row.low is not None:
        found["minimum"] = row.low
    if row.high is not None:
        found["maximum"] = row.high
    return found


def _rail(spec: Spec) -> dict[str, Any]:
    limit = {"type": "string", "pattern": PATTERN} if spec.kind == "duration" else {"type": "integer", "minimum": 0}
    kinds: dict[str, dict[str, Any]] = {
        "min": limit,
        "max": limit,
        "at_least": {"type": "integer", "minimum": 0},
        "subset": {"type": "boolean"},
        "only_stricter": {"type": "boolean"},
    }
    return _closed({key: {**kinds[key], "description": LIMITS[key]} for key in (*BOUNDS.get(spec.kind, ()), *EVERY)})


def _closed(properties: dict[str, Any], *, required: list[str] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**found, "required": required} if required else found
