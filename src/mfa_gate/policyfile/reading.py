"""Read TOML tables into the core's frozen values, with a fault for all that does not fit."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ..core.durations import FORM, parse_duration
from ..core.model import Seconds
from ..core.networks import Network
from ..core.rules import Exemption, PathRule, Rules, SubjectExemption
from ..core.spoken import Spoken
from ..factors import Registry
from . import predicates as is_
from .faults import Report, Wrong, dotted, listed, nearest, shown
from .keys import FILE_KEYS, key_for
from .lines import Path
from .shape import PERMANENT, Spec, keys_of, leaves, specs_of

T = TypeVar("T")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
Table = Mapping[str, Any]
Layer = tuple[Path, Table]
"""A table and its place. Of several layers the first one with a key decides it."""


def read(report: Report, cls: type[T], layers: Sequence[Layer], *, besides: tuple[str, ...] = ()) -> T | None:
    """Read the value that ``layers`` describe, with defaults for faulty keys.

    ``besides`` are keys that the outermost layer may have and that are read elsewhere. Returns None if a required key is
    missing or faulty.
    """
    for path, table in layers:
        refuse_unknown(report, path, table, (() if path else besides) + keys_of(cls, report.factors))
    values: dict[str, Any] = {}
    complete = True
    options: dict[str, Any] = {}
    for spec in specs_of(cls, report.factors):
        given = [((*path, spec.key), table[spec.key]) for path, table in layers if spec.key in table]
        if not given:
            if spec.required:
                complete = False
                report.add((*layers[0][0], spec.key), "it is missing")
            continue
        if spec.kind == "table":
            value = _nested(report, spec, given)
        elif spec.kind == "tables":
            assert spec.of is not None
            of: type[Any] = spec.of
            value = tuple(entry for layer in reversed(given) for entry in read_all(report, of, *layer))
        elif spec.kind == "networks":
            value = _networks(report, given)
        else:
            value = _plain(report, cls, spec, *given[0])
        if value is not None:
            (options if spec.is_option else values)[spec.name] = value
        elif spec.required:
            complete = False
    if cls in (Exemption, SubjectExemption):
        _ends_or_permanent(report, layers[0])
    if options:
        values["options"] = options
    return cls(**values) if complete else None


def read_all(report: Report, cls: type[T], path: Path, value: Any) -> tuple[T, ...]:
    """Read the values of an array of tables; a faulty one is left out."""
    if not isinstance(value, list):
        report.add(path, f"{shown(value)} is not an array of tables; write [[{dotted(path)}]]")
        return ()
    found = []
    for position, entry in enumerate(value):
        here = (*path, position)
        if not isinstance(entry, dict):
            report.add(here, f"{shown(entry)} is not a table")
            continue
        made = read(report, cls, [(here, entry)])
        if made is not None:
            report.remember(made, here)
            found.append(made)
    return tuple(found)


def as_table(report: Report, path: Path, value: Any) -> Table | None:
    """Return ``value`` if it is a table; else report a fault and return None."""
    if isinstance(value, dict):
        return value
    report.add(path, f"{shown(value)} is not a table; write [{dotted(path)}]")
    return None


def refuse_unknown(report: Report, path: Path, table: Table, known: Sequence[str]) -> None:
    """Report each key that is not among ``known``, with the nearest name or the right place."""
    for key in table:
        if key not in known:
            report.add(
                (*path, key), "unknown key" + (_belongs(key, report.factors) or nearest(key, known) or _others(known))
            )


def instant(value: object) -> int | None:
    """Return the UTC second of a TOML date or date-time; None for anything else.

    A date is its first moment in UTC.
    """
    if isinstance(value, datetime.datetime):
        return int(value.timestamp()) if value.tzinfo is not None else None
    if isinstance(value, datetime.date):
        return int(datetime.datetime(value.year, value.month, value.day, tzinfo=datetime.UTC).timestamp())
    return None


def _nested(report: Report, spec: Spec, given: list[Layer]) -> Any:
    assert spec.of is not None
    layers = [(path, table) for path, value in given if (table := as_table(report, path, value)) is not None]
    return read(report, spec.of, layers) if layers else None


def _plain(report: Report, cls: type, spec: Spec, path: Path, value: Any) -> Any:
    """Read one value: first its type is tested, then the predicate of its row."""
    if spec.kind in ("list", "paths") and isinstance(value, list):
        return _array(report, cls, spec, path, value)
    row = key_for(cls, spec.name, report.factors)
    try:
        read_value = _spoken(spec, value) if row.spoken else _READERS[spec.kind](spec, value)
    except Wrong as wrong:
        report.add(path, str(wrong))
        return None
    if row.holds(read_value):
        return read_value
    report.add(path, f"{shown(value)} is out of bounds: {row.says}")
    return None


def _array(report: Report, cls: type, spec: Spec, path: Path, value: list[Any]) -> Any:
    """Read the entries one by one, so that each fault names its entry; then test the whole."""
    row = key_for(cls, spec.name, report.factors)
    faulty = False
    for position, entry in enumerate(value):
        fault = ""
        if not isinstance(entry, str):
            fault = f"{shown(entry)} is not text"
        elif spec.kind == "paths":
            reason = is_.path_fault(entry)
            fault = f"{shown(entry)} is no path: {reason}" if reason else ""
        elif row.one_of and entry not in row.one_of:
            fault = f"{shown(entry)} is not one of {listed(row.one_of)}" + nearest(entry, row.one_of)
        if fault:
            faulty = True
            report.add((*path, position), fault)
    if faulty:
        return None
    if spec.kind == "paths":
        if not value:
            report.add(path, "it must name at least one path")
            return None
        return tuple(PathRule(text=entry) for entry in value)
    if row.holds(value):
        return tuple(value)
    report.add(path, f"{shown(value)} is out of bounds: {row.says}")
    return None


def _duration(_spec: Spec, value: Any) -> Seconds:
    if not isinstance(value, str):
        raise Wrong(f'{shown(value)} is not a duration; write text like "30s", "10m", "12h" or "7d"')
    seconds = parse_duration(value)
    if seconds is None:
        raise Wrong(f"{shown(value)} is not a duration; {FORM}")
    return seconds


def _instant(_spec: Spec, value: Any) -> int:
    at = instant(value)
    if at is not None:
        return at
    if isinstance(value, datetime.datetime):
        raise Wrong(f"{shown(value)} has no offset; add Z for UTC, or one like +02:00")
    raise Wrong(f"{shown(value)} is not a date; write 2027-12-31 or 2027-12-31T00:00:00Z, without quotes")


def _integer(_spec: Spec, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Wrong(f"{shown(value)} is not a whole number")


def _boolean(_spec: Spec, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise Wrong(f"{shown(value)} is neither true nor false")


def _text(_spec: Spec, value: Any) -> str:
    if isinstance(value, str):
        return value
    raise Wrong(f"{shown(value)} is not text; put it in quotes")


def _spoken(spec: Spec, value: object) -> str:
    """Read a sentence that people read: one text, or one a language.

    "" stands for none, where the bounds of the key allow it. A language has a text, or is left out.
    """
    if not isinstance(value, Mapping):
        said = _text(spec, value)
        if said and not said.strip():
            raise Wrong(f"{shown(said)} says nothing; write the sentence, or take the key out")
        return said
    for tag, said in value.items():
        if not LANGUAGE.fullmatch(tag):
            raise Wrong(f'"{tag}" is no language; write its tag, like {{ en = "…", es = "…", "pt-BR" = "…" }}')
        if not isinstance(said, str):
            raise Wrong(f'{shown(said)} for "{tag}" is not text; put it in quotes')
        if not said.strip():
            raise Wrong(f'{shown(said)} for "{tag}" says nothing; write the sentence, or leave "{tag}" out')
    if not value:
        raise Wrong('an empty table says nothing; write a text, or one a language: { en = "…", es = "…" }')
    return Spoken(by=value)


def _word(spec: Spec, value: Any) -> str:
    if isinstance(value, str) and value in spec.words:
        return value
    hint = nearest(value, spec.words) if isinstance(value, str) else ""
    raise Wrong(f"{shown(value)} is not one of {listed(spec.words)}{hint}")


def _no_array(_spec: Spec, value: Any) -> tuple[str, ...]:
    raise Wrong(f'{shown(value)} is not an array; write ["…"]')


_READERS: Mapping[str, Callable[[Spec, Any], Any]] = {
    "duration": _duration,
    "instant": _instant,
    "integer": _integer,
    "boolean": _boolean,
    "text": _text,
    "word": _word,
    "list": _no_array,
    "paths": _no_array,
}


def _networks(report: Report, given: list[Layer]) -> dict[str, tuple[Network, ...]]:
    """Read ``[networks]``: names with their addresses. A tenant's names are added to them."""
    found: dict[str, tuple[Network, ...]] = {}
    for path, value in reversed(given):
        for name, texts in (as_table(report, path, value) or {}).items():
            here = (*path, name)
            if fault := is_.network_name_fault(name):
                report.add(here, fault)
            elif not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
                report.add(here, f'{shown(texts)} is not an array of networks; write ["198.51.100.0/28"]')
            elif fault := is_.networks_fault(texts):
                report.add(here, fault)
            else:
                found[name] = tuple(is_.read_network(text) for text in texts)
    return found


def _ends_or_permanent(report: Report, layer: Layer) -> None:
    """Require that an exemption says when it ends, or that it never does (P-4)."""
    path, table = layer
    permanent = table.get(PERMANENT, False)
    if not isinstance(permanent, bool):
        report.add((*path, PERMANENT), f"{shown(permanent)} is neither true nor false")
    elif permanent and "expires" in table:
        report.add((*path, PERMANENT), 'it has "expires" as well; keep one of the two')
    elif not permanent and "expires" not in table:
        report.add((*path, "expires"), "it is missing; give it a date, or say permanent = true")
    if "reason" not in table:
        report.add((*path, "reason"), "it is missing; say why nothing is asked here")


def _belongs(key: str, factors: Registry) -> str:
    """Name the place of a key that is known elsewhere; often it is below the wrong header."""
    if key in FILE_KEYS or key in keys_of(Rules):
        return "; it belongs at the top of the file, above the first [section]"
    places = [dotted(place) for place in leaves(factors) if place[-1] == key]
    return f"; it belongs in {' or '.join(places[:3])}" if places else ""


def _others(known: Sequence[str]) -> str:
    return f"; known here: {', '.join(known)}"
