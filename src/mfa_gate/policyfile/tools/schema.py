"""The JSON Schema of a policy file, made from the same classes and rows that read one, for editors."""

from __future__ import annotations

from typing import Any

from ...core.durations import PATTERN
from ...core.options import PLAIN, Key
from ...core.rules import Exemption, Rules, SubjectExemption
from ...factors import BUILT_IN, Registry
from ..keys import key_for
from ..rails import BOUNDS, EVERY
from ..scenario import Expect, Given
from ..shape import PERMANENT, Spec, leaves, specs_of

DRAFT = "https://json-schema.org/draft/2020-12/schema"
DATE = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
ONCE = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}


def json_schema(factors: Registry = BUILT_IN) -> dict[str, Any]:
    """The schema of a whole policy file."""
    sections = _table(Rules, factors)["properties"]
    test = _closed(
        {"name": {"type": "string"}, "given": _table(Given, factors), "expect": _table(Expect, factors)},
        required=["name", "given", "expect"],
    )
    properties = {
        "version": {"const": 1},
        "name": {"type": "string", "minLength": 1, "maxLength": 100},
        **sections,
        "rails": _closed({".".join(leaf): _rail(spec) for leaf, spec in leaves(factors).items()}),
        "tenants": {"type": "object", "additionalProperties": _table(Rules, factors, partial=True)},
        "tests": {"type": "array", "items": test},
    }
    return {"$schema": DRAFT, "title": "mfa-gate policy", **_closed(properties, required=["version", "name"])}


def _table(cls: type, factors: Registry, *, partial: bool = False) -> dict[str, Any]:
    """The table of ``cls``; ``partial``: it lies over another one, so nothing in it is required."""
    properties = {spec.key: _value(cls, spec, factors, partial=partial) for spec in specs_of(cls, factors)}
    required = [spec.key for spec in specs_of(cls, factors) if spec.required and not partial]
    if cls in (Exemption, SubjectExemption):
        properties[PERMANENT] = {"type": "boolean"}
        ends = [{"required": ["expires"]}, {"required": [PERMANENT], "properties": {PERMANENT: {"const": True}}}]
        return {**_closed(properties, required=[*required, "reason"]), "oneOf": ends}
    return _closed(properties, required=required)


def _value(cls: type, spec: Spec, factors: Registry, *, partial: bool) -> dict[str, Any]:
    row = PLAIN if spec.is_option else key_for(cls, spec.name, factors)
    told = f"{row.means} {row.says[:1].upper()}{row.says[1:]}." if row.means and row.says else row.means or row.says
    about = {"description": told} if told else {}
    match spec.kind:
        case "table":
            assert spec.of is not None
            return _table(spec.of, factors, partial=partial)
        case "tables":
            assert spec.of is not None
            return {"type": "array", "items": _table(spec.of, factors)}
        case "duration":
            return {"type": "string", "pattern": PATTERN, **about}
        case "instant":
            return {**DATE, **about}
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
            return {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}
    return {"type": "string", **about}


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
    return _closed({key: kinds[key] for key in (*BOUNDS.get(spec.kind, ()), *EVERY)})


def _closed(properties: dict[str, Any], *, required: list[str] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**found, "required": required} if required else found
