"""Write the reference of the policy file in Markdown: every key with values and meaning."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import MISSING, dataclass
from typing import Any

from ...core.durations import format_duration
from ...core.options import Key, key
from ...core.rules import Exemption, FactorRules, Rules, SubjectExemption
from ...factors import BUILT_IN, Registry
from ..faults import listed
from ..keys import FILE_KEYS, PERMANENT_KEY, key_for
from ..rails import LIMITS
from ..scenario import Example
from ..shape import PERMANENT, Spec, specs_of

WORDED = {
    "duration": "duration",
    "instant": "date",
    "integer": "number",
    "boolean": "true or false",
    "text": "text",
    "list": "array",
    "paths": "array of paths",
    "table": "section",
    "tables": "sections",
    "networks": "section",
}
FILE_VALUES = {
    "version": "1",
    "name": "text, 1 to 100 printable characters",
    "rails": "sections",
    "tenants": "sections",
    "tests": "sections",
}
LIMIT_VALUES = {
    "min": "number or duration, as the key's own",
    "max": "number or duration, as the key's own",
    "subset": "true or false",
    "at_least": "number",
    "only_stricter": "true or false",
}
STRICTER = {
    "lower": "lower",
    "higher": "higher",
    "fewer": "fewer entries",
    "more": "more entries",
    "either": "any change counts as looser",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Describe one key of a section. ``default`` is "" for a key without one."""

    key: str
    value: str
    default: str
    required: bool
    stricter: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section of the file. ``head`` is its header in TOML, "" for the top of the file."""

    head: str
    about: str
    entries: tuple[Entry, ...]


def sections(factors: Registry = BUILT_IN) -> Iterator[Section]:
    """Yield every section of the file, the outer ones before those within them."""
    top = [_bare(name, FILE_KEYS[name], value, required=value != "sections") for name, value in FILE_VALUES.items()]
    first, *others = _below(Rules, (), "", factors)
    yield dataclasses.replace(first, entries=(*top, *first.entries))
    yield from others
    limits = tuple(_bare(name, key(about), LIMIT_VALUES[name]) for name, about in LIMITS.items())
    yield Section(head='[rails."a.key"]', about="The limits of one key, named by its path.", entries=limits)
    yield from _below(Example, ("tests",), FILE_KEYS["tests"].means, factors, is_array=True)


def reference(factors: Registry = BUILT_IN) -> str:
    """Write all sections as Markdown, a table each."""
    return "\n".join(line for section in sections(factors) for line in _lines(section))


def _lines(section: Section) -> Iterator[str]:
    yield f"### `{section.head}`" if section.head else "### The top of the file"
    yield ""
    if section.about:
        yield from (section.about, "")
    yield "| key | value | default | stricter is | meaning |"
    yield "|---|---|---|---|---|"
    for entry in section.entries:
        default = "**required**" if entry.required else f"`{entry.default}`" if entry.default else ""
        cells = (f"`{entry.key}`", entry.value, default, entry.stricter, entry.about)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""


def _below(
    cls: type, path: tuple[str, ...], about: str, factors: Registry, *, is_array: bool = False
) -> Iterator[Section]:
    """Yield the section of ``cls`` and those within it."""
    specs = specs_of(cls, factors)
    entries = [_entry(cls, spec, factors) for spec in specs]
    if cls in (Exemption, SubjectExemption):
        entries.append(_bare(PERMANENT, PERMANENT_KEY, "true or false"))
    dotted = ".".join(path)
    yield Section(
        head=f"[[{dotted}]]" if is_array else f"[{dotted}]" if path else "", about=about, entries=tuple(entries)
    )
    for spec in specs:
        if spec.of is not None:
            row = key_for(cls, spec.name, factors)
            yield from _below(spec.of, (*path, spec.key), row.means, factors, is_array=spec.kind == "tables")


def _entry(cls: type, spec: Spec, factors: Registry) -> Entry:
    row = key_for(cls, spec.name, factors)
    return Entry(
        key=spec.key,
        value=_value(spec, row),
        default=_default(cls, spec, factors),
        required=spec.required or (spec.key == "reason" and cls in (Exemption, SubjectExemption)),
        stricter=_stricter(row),
        about=row.means,
    )


def _bare(key: str, row: Key, value: str, *, required: bool = False) -> Entry:
    """Describe a key that no field of a class holds."""
    return Entry(key=key, value=value, default="", required=required, stricter="", about=row.means)


def _value(spec: Spec, row: Key) -> str:
    if spec.kind == "word":
        return f"one of {listed(spec.words)}"
    bounds = row.says.removeprefix("it must be ").removeprefix("it must ")
    if spec.kind == "list":
        return bounds.replace("name of", "array of").replace("name one or more of", "array of one or more of")
    return f"{WORDED[spec.kind]}, {bounds}" if bounds else WORDED[spec.kind]


def _stricter(row: Key) -> str:
    if row.weakest_first:
        return " > ".join(f"`{_literal(value)}`" for value in reversed(row.weakest_first))
    return STRICTER.get(row.stricter, "")


def _default(cls: type, spec: Spec, factors: Registry) -> str:
    """Write the default as the file would.

    Returns "" for a key that is absent by default, and for a section whose keys have their own defaults.
    """
    if spec.is_option:
        return ""
    if cls is FactorRules and spec.name in ("allowed", "order"):
        return _toml(spec, getattr(factors.completed(Rules()).factors, spec.name))
    field = next(field for field in dataclasses.fields(cls) if field.name == spec.name)
    value = field.default
    if spec.kind in ("tables", "networks") or value is MISSING or value is None:
        return ""
    if spec.of is not None:
        inner = specs_of(spec.of)
        pairs = (f"{item.key} = {_toml(item, getattr(value, item.name))}" for item in inner)
        return f"{{ {', '.join(pairs)} }}" if any(item.required for item in inner) else ""
    return _toml(spec, value)


def _toml(spec: Spec, value: Any) -> str:
    return f'"{format_duration(value)}"' if spec.kind == "duration" else _literal(value)


def _literal(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case tuple():
            return f"[{', '.join(_literal(item) for item in value)}]"
    return str(value)
