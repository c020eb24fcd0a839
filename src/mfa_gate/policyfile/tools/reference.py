"""Write the reference of the policy file in Markdown: every key with values and meaning."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from ...core.options import Key, key
from ...core.rules import Exemption, Rules, SubjectExemption
from ...factors import BUILT_IN, Registry
from ..defaults import default_of, toml
from ..faults import listed
from ..keys import FILE_KEYS, PERMANENT_KEY, key_for
from ..rails import LIMITS
from ..scenario import Example
from ..shape import PERMANENT, Spec, specs_of
from .example_values import EXAMPLES

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
    "tenants_are": 'one of "open", "closed"',
    "rails": "sections",
    "tenants": "sections",
    "tests": "sections",
}
FILE_DEFAULTS = {"tenants_are": '"open"'}
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
    "zero or higher": "zero, else higher",
    "fewer": "fewer entries",
    "more": "more entries",
    "either": "any change counts as looser",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Describe one key of a section.

    ``default`` is "" for a key without one. ``example`` is a value as the file would write it.
    """

    key: str
    value: str
    default: str
    required: bool
    stricter: str
    about: str
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section of the file. ``head`` is its header in TOML, "" for the top of the file."""

    head: str
    about: str
    entries: tuple[Entry, ...]


def sections(factors: Registry = BUILT_IN) -> Iterator[Section]:
    """Yield every section of the file, the outer ones before those within them."""
    top = [
        _bare(name, FILE_KEYS[name], value, required=name in ("version", "name"), default=FILE_DEFAULTS.get(name, ""))
        for name, value in FILE_VALUES.items()
    ]
    first, *others = _below(Rules, (), "", factors)
    yield _with_examples(dataclasses.replace(first, entries=(*top, *first.entries)))
    yield from map(_with_examples, others)
    limits = tuple(_bare(name, key(about), LIMIT_VALUES[name]) for name, about in LIMITS.items())
    rails = Section(head='[rails."a.key"]', about="The limits of one key, named by its path.", entries=limits)
    yield _with_examples(rails)
    yield from map(_with_examples, _below(Example, ("tests",), FILE_KEYS["tests"].means, factors, is_array=True))


def _with_examples(section: Section) -> Section:
    """Add the examples: the default, where no other value says more."""
    own = EXAMPLES.get(section.head, {})
    entries = tuple(
        entry
        if entry.value in ("section", "sections")
        else dataclasses.replace(entry, example=own.get(entry.key, entry.default))
        for entry in section.entries
    )
    return dataclasses.replace(section, entries=entries)


def reference(factors: Registry = BUILT_IN, name: str = "") -> str:
    """Write all sections as Markdown, a table each.

    With ``name``, only the section or the keys of that name are written: ``freshness``, ``freshness.max_age`` or
    ``max_age``. Returns "" for a name that no key has.
    """
    chosen = sections_named(name, factors) if name else tuple(sections(factors))
    return "\n".join(line for section in chosen for line in _lines(section))


def sections_named(name: str, factors: Registry = BUILT_IN) -> tuple[Section, ...]:
    """List the section of this name with those within it, else each key of this name."""
    wanted = name.strip("[]")
    known = tuple(sections(factors))
    whole = tuple(s for s in known if _path(s) == wanted or _path(s).startswith(wanted + "."))
    if whole:
        return whole
    head, _, key = wanted.rpartition(".")
    found = []
    for section in known:
        entries = tuple(entry for entry in section.entries if entry.key == key)
        if entries and (not head or _path(section) == head):
            found.append(dataclasses.replace(section, entries=entries))
    return tuple(found)


def names(factors: Registry = BUILT_IN) -> tuple[str, ...]:
    """List the names of all sections and keys, for suggestions."""
    known = tuple(sections(factors))
    return tuple(
        dict.fromkeys(
            name
            for section in known
            for name in (
                _path(section),
                *(e.key for e in section.entries),
                *(_dotted(section, e) for e in section.entries),
            )
            if name
        )
    )


def _path(section: Section) -> str:
    return section.head.strip("[]")


def _dotted(section: Section, entry: Entry) -> str:
    return f"{_path(section)}.{entry.key}" if section.head else entry.key


def _lines(section: Section) -> Iterator[str]:
    yield f"### `{section.head}`" if section.head else "### The top of the file"
    yield ""
    if section.about:
        yield from (section.about, "")
    yield "| key | value | default | example | stricter is | meaning |"
    yield "|---|---|---|---|---|---|"
    for entry in section.entries:
        default = "**required**" if entry.required else f"`{entry.default}`" if entry.default else ""
        example = f"`{entry.example}`" if entry.example and entry.example != entry.default else ""
        cells = (f"`{entry.key}`", entry.value, default, example, entry.stricter, entry.about)
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
    row, default = key_for(cls, spec.name, factors), default_of(cls, spec, factors)
    return Entry(
        key=spec.key,
        value=_value(spec, row),
        default="" if default is None else toml(default),
        required=spec.required or (spec.key == "reason" and cls in (Exemption, SubjectExemption)),
        stricter=_stricter(row),
        about=row.means,
    )


def _bare(key: str, row: Key, value: str, *, required: bool = False, default: str = "") -> Entry:
    """Describe a key that no field of a class holds."""
    return Entry(key=key, value=value, default=default, required=required, stricter=_stricter(row), about=row.means)


def _value(spec: Spec, row: Key) -> str:
    if spec.kind == "word":
        return f"one of {listed(spec.words)}"
    bounds = row.says.removeprefix("it must be ").removeprefix("it must ")
    if spec.kind == "list":
        return bounds.replace("name of", "array of").replace("name one or more of", "array of one or more of")
    kind = "text, or a table with one text a language" if row.spoken else WORDED[spec.kind]
    return f"{kind}, {bounds}" if bounds else kind


def _stricter(row: Key) -> str:
    if row.weakest_first:
        return " > ".join(f"`{toml(value)}`" for value in reversed(row.weakest_first))
    return STRICTER.get(row.stricter, "")
