"""Derive the shape of the file from the core's dataclasses: every key with its kind."""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import MISSING, dataclass
from functools import cache
from typing import Any, Literal

from ..core.model import Seconds
from ..core.rules import AgreementRules, BrandRules, Exemption, FactorRules, PathRule, Rules, SubjectExemption, Units
from ..factors import BUILT_IN, Registry

Kind = Literal[
    "table", "tables", "duration", "instant", "integer", "boolean", "text", "word", "list", "paths", "networks"
]

HIDDEN = {
    (FactorRules, "options"),
    (AgreementRules, "text"),
    (AgreementRules, "digest"),
    (BrandRules, "logo_bytes"),
    (BrandRules, "logo_dark_bytes"),
    (BrandRules, "styles"),
}
"""Fields that are no key: read from other files, or one table a factor."""

RENAMED = {
    (Exemption, "expires_at"): "expires",
    (SubjectExemption, "expires_at"): "expires",
}

PERMANENT = "permanent"
"""The one key without a field: it says that an exemption never ends, and ``expires_at`` stays None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """Describe one key: the field that it fills, its spelling, and the kind of its value."""

    owner: type
    name: str
    key: str
    kind: Kind
    of: type | None = None
    words: tuple[str, ...] = ()
    required: bool = False
    optional: bool = False
    is_option: bool = False


def specs_of(cls: type, factors: Registry = BUILT_IN) -> tuple[Spec, ...]:
    """List the keys of the table that ``cls`` describes, in the order of its fields."""
    if cls is not FactorRules:
        return _specs_of(cls)
    tables = ((kind, factor.options) for kind, factor in factors.items())
    return _specs_of(cls) + tuple(
        Spec(owner=cls, name=kind, key=kind, kind="table", of=of, is_option=True) for kind, of in tables if of
    )


@cache
def _specs_of(cls: type) -> tuple[Spec, ...]:
    hints = typing.get_type_hints(cls)
    found = []
    for entry in dataclasses.fields(cls):
        if (cls, entry.name) in HIDDEN:
            continue
        hint, optional = _without_none(hints[entry.name])
        kind, of, words = _kind(hint, optional=optional)
        required = entry.default is MISSING and entry.default_factory is MISSING
        key = RENAMED.get((cls, entry.name), entry.name)
        found.append(
            Spec(
                owner=cls,
                name=entry.name,
                key=key,
                kind=kind,
                of=of,
                words=words,
                required=required,
                optional=optional,
            )
        )
    return tuple(found)


def keys_of(cls: type, factors: Registry = BUILT_IN) -> tuple[str, ...]:
    """List the spelled keys of the table that ``cls`` describes."""
    extra = (PERMANENT,) if cls in (Exemption, SubjectExemption) else ()
    return tuple(spec.key for spec in specs_of(cls, factors)) + extra


@cache
def leaves(factors: Registry) -> dict[tuple[str, ...], Spec]:
    """Map the path of every key with a plain value to its spec, without arrays of tables."""
    found: dict[tuple[str, ...], Spec] = {}

    def walk(cls: type, path: tuple[str, ...]) -> None:
        for spec in specs_of(cls, factors):
            if spec.kind == "table" and spec.of is not None:
                walk(spec.of, (*path, spec.key))
            elif spec.kind not in ("tables", "networks"):
                found[*path, spec.key] = spec

    walk(Rules, ())
    return found


def value_at(rules: Rules, path: tuple[str, ...], factors: Registry) -> Any:
    """Return the value of the key ``path``; None if its section is absent.

    ``path`` is one of ``leaves()``.
    """
    value: Any = rules
    for key in path:
        if value is None:
            return None
        spec = next(spec for spec in specs_of(type(value), factors) if spec.key == key)
        value = value.options.get(spec.key) if spec.is_option else getattr(value, spec.name)
    return value


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        rest = [part for part in typing.get_args(hint) if part is not type(None)]
        return rest[0], True
    return hint, False


def _kind(hint: Any, *, optional: bool) -> tuple[Kind, type | None, tuple[str, ...]]:
    if hint is Seconds:
        return "duration", None, ()
    if hint is bool:
        return "boolean", None, ()
    if hint is Units:
        return "integer", None, ()
    if hint is int:
        return ("instant" if optional else "integer"), None, ()
    if hint is str:
        return "text", None, ()
    if typing.get_origin(hint) is Literal:
        return "word", None, typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return "table", typing.cast(type, hint), ()
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        if inner is str:
            return "list", None, ()
        return ("paths", None, ()) if inner is PathRule else ("tables", inner, ())
    return "networks", None, ()
