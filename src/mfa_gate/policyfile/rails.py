"""Read ``[rails]``, and hold the values of each tenant against them (P-7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..core import options
from ..core.durations import format_duration, parse_duration
from ..core.options import Key, words
from ..core.rules import Rules
from ..factors import Registry
from .faults import Report, dotted, listed, nearest, shown
from .keys import key_for
from .lines import Path
from .reading import Table, as_table, refuse_unknown
from .shape import Spec, leaves, value_at
from .strictness import compare, compare_stages

STAGE = ("enrollment", "stage")
DATES = (("enrollment", "optional_from"), ("enrollment", "required_from"))
BOUNDS = {"duration": ("min", "max"), "integer": ("min", "max"), "list": ("subset", "at_least")}
EVERY = ("only_stricter",)
LIMIT_ROWS: Mapping[str, Key] = {
    "min": options.key("The smallest number, or the shortest duration, that a tenant may set.", stricter="higher"),
    "max": options.key("The largest number, or the longest duration, that a tenant may set.", stricter="lower"),
    "subset": options.key(
        "true: a tenant's list holds nothing that the file's own list does not hold.", words(False, True)
    ),
    "at_least": options.key("How many entries a tenant's list has at least.", stricter="higher"),
    "only_stricter": options.key("true: a tenant's value is the file's own or a stricter one.", words(False, True)),
}
"""The meaning of each limit in one sentence, and the direction in which it leaves less room."""
LIMITS: Mapping[str, str] = {name: row.means for name, row in LIMIT_ROWS.items()}
"""The meaning of each limit, in one sentence."""

Rails = Mapping[str, Mapping[str, object]]


def read_rails(report: Report, path: Path, value: Any) -> Rails:
    """Read the rails by dotted key; durations become seconds."""
    found: dict[str, Mapping[str, object]] = {}
    for name, given in _flat(as_table(report, path, value) or {}, path, report.factors):
        spec = leaves(report.factors).get(tuple(name.split(".")))
        here = given[0]
        if spec is None:
            known = [dotted(leaf) for leaf in leaves(report.factors)]
            report.add(here, f"{shown(name)} is no key that a tenant can set{nearest(name, known)}")
            continue
        limits = as_table(report, here, given[1])
        if limits is None:
            continue
        refuse_unknown(report, here, limits, (*BOUNDS.get(spec.kind, ()), *EVERY))
        read = {key: _limit(report, (*here, key), spec, key, limits[key]) for key in limits if key in _known(spec)}
        found[name] = {key: limit for key, limit in read.items() if limit is not None}
        low, high = found[name].get("min"), found[name].get("max")
        if isinstance(low, int) and isinstance(high, int) and low > high:
            report.add((*here, "min"), "min is above max; swap the two")
    return found


def hold_to_rails(report: Report, rails: Rails, base: Rules, tenant: str, rules: Rules) -> None:
    """Report each value of the tenant's own section that lies outside of the rails."""
    for name, limits in rails.items():
        leaf = tuple(name.split("."))
        watched = (leaf, *DATES) if leaf == STAGE else (leaf,)
        own: list[Path] = [("tenants", tenant, *key) for key in watched if ("tenants", tenant, *key) in report.lines]
        if not own or report.spoiled(*watched, tenant=tenant):
            continue
        reason = violation(name, limits, base, rules, report.factors)
        if reason:
            report.add(own[0], f'{reason}; change it, or widen rails."{name}"')


def hold_file_to_rails(report: Report, rails: Rails, base: Rules) -> None:
    """Report each value of the file itself that lies outside of its rails.

    Every tenant without a value of its own has that value, so a rail that spared it would hold nobody.
    """
    for name, limits in rails.items():
        leaf = tuple(name.split("."))
        spec = leaves(report.factors)[leaf]
        value = value_at(base, leaf, report.factors)
        if value is None or report.spoiled(leaf, ("rails", name)):
            continue
        for key in ("min", "max", "at_least"):
            reason = _JUDGED[key](spec, limits[key], value, value) if key in limits else ""
            if reason:
                text = f'{reason}, and tenants without a value of their own have it; change it, or widen rails."{name}"'
                report.add(leaf if leaf in report.lines else ("rails", name), text)


def violation(name: str, limits: Mapping[str, object], base: Rules, rules: Rules, factors: Registry) -> str:
    """Find the reason why ``rules`` leave the rails ``limits`` of the key ``name`` ("a.b").

    ``base`` are the file's own rules. Returns "" for rules within the rails.
    """
    leaf = tuple(name.split("."))
    spec = leaves(factors)[leaf]
    value, start = value_at(rules, leaf, factors), value_at(base, leaf, factors)
    for key, limit in limits.items():
        if limit is False:
            continue
        reason = _JUDGED[key](spec, limit, start, value)
        if leaf == STAGE and key == "only_stricter":
            moved = compare_stages(base.enrollment, rules.enrollment)
            reason = "" if moved in ("same", "stricter") else "it may only become stricter than in the file's section"
        if reason:
            return reason
    return ""


def _known(spec: Spec) -> tuple[str, ...]:
    return (*BOUNDS.get(spec.kind, ()), *EVERY)


def _limit(report: Report, path: Path, spec: Spec, key: str, value: Any) -> object:
    """Read one limit: a duration or number, a count for at_least, or true or false."""
    if key in ("subset", "only_stricter"):
        if isinstance(value, bool):
            return value
        report.add(path, f"{shown(value)} is neither true nor false")
        return None
    if key != "at_least" and spec.kind == "duration":
        seconds = parse_duration(value) if isinstance(value, str) else None
        if seconds is None:
            report.add(path, f'{shown(value)} is not a duration; write it like "12h" or "7d"')
        return seconds
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    report.add(path, f"{shown(value)} is not a whole number from 0")
    return None


def _flat(table: Table, path: Path, factors: Registry) -> list[tuple[str, tuple[Path, Any]]]:
    """List the rails by dotted name, written in quotes or as dotted keys."""
    found: list[tuple[str, tuple[Path, Any]]] = []
    names = {leaf[:end] for leaf in leaves(factors) for end in range(1, len(leaf))}

    def walk(rest: Table, keys: tuple[str, ...], here: Path) -> None:
        for key, value in rest.items():
            now = (*keys, *key.split("."))
            if now in names and isinstance(value, dict):
                walk(value, now, (*here, key))
            else:
                found.append((".".join(now), ((*here, key), value)))

    walk(table, (), path)
    return found


def _at_least(spec: Spec, limit: Any, _start: Any, value: Any) -> str:
    return f"it must name {limit} or more" if len(value or ()) < limit else ""


def _subset(_spec: Spec, _limit: Any, start: Any, value: Any) -> str:
    extra = [item for item in value or () if start is not None and item not in start]
    return f"{listed(extra)} is not in the file's own list" if extra else ""


def _low(spec: Spec, limit: Any, _start: Any, value: Any) -> str:
    off = value == 0 and key_for(spec.owner, spec.name).stricter == "zero or higher"
    return (
        f"{_told(spec, value)} is below {_told(spec, limit)}" if value is not None and value < limit and not off else ""
    )


def _high(spec: Spec, limit: Any, _start: Any, value: Any) -> str:
    return f"{_told(spec, value)} is above {_told(spec, limit)}" if value is not None and value > limit else ""


def _only_stricter(spec: Spec, _limit: Any, start: Any, value: Any) -> str:
    moved = compare(spec, start, value)
    return "" if moved in ("same", "stricter") else "it may only become stricter than in the file's section"


def _told(spec: Spec, value: int) -> str:
    return f'"{format_duration(value)}"' if spec.kind == "duration" else str(value)


_JUDGED: Mapping[str, Callable[[Spec, Any, Any, Any], str]] = {
    "min": _low,
    "max": _high,
    "subset": _subset,
    "at_least": _at_least,
    "only_stricter": _only_stricter,
}
