"""Check a policy that a program made, by the bounds and contradictions of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from ..core.durations import format_duration
from ..core.model import Seconds
from ..core.rules import AgreementRules, BrandRules, PathRule, Policy, Rules
from ..errors import FaultyPolicy
from ..factors import BUILT_IN, Registry
from . import predicates as is_
from .checks import check_everybody, check_tenant
from .faults import Report, listed, shown
from .keys import key_for
from .lines import Path
from .loading import name_fault
from .rails import hold_file_to_rails, hold_to_rails
from .shape import Spec, specs_of

TYPES: Mapping[str, tuple[type, str]] = {
    "duration": (int, "a whole number of seconds"),
    "instant": (int, "a time in UTC seconds"),
    "integer": (int, "a whole number"),
    "boolean": (bool, "True or False"),
    "text": (str, "text"),
    "word": (str, "text"),
    "list": (tuple, "a tuple of texts"),
    "paths": (tuple, "a tuple of PathRule"),
    "tables": (tuple, "a tuple"),
    "networks": (Mapping, "a mapping of names to networks"),
}
READ_FROM = {
    (AgreementRules, "file"): "text",
    (BrandRules, "logo"): "logo_bytes",
    (BrandRules, "logo_dark"): "logo_dark_bytes",
    (BrandRules, "stylesheet"): "styles",
}
"""The keys that name a file, each with the field that has its content: a program gives both."""


def check_built(policy: Policy, *, factors: Registry = BUILT_IN) -> Policy:
    """Return the policy with its open parts filled in.

    Raises ``SettingsError`` with every fault: the key by the name that it has in a file, the value, the reason and the fix.
    """
    made = factors.complete(policy)
    report = Report(lines={}, factors=factors)
    if fault := name_fault(made.name):
        report.add(("name",), fault)
    _hold(report, (), made.base)
    for tenant, rules in made.tenants.items():
        _hold(report, ("tenants", tenant), rules, made.base)
    if not report.found:  # a value of a wrong type can be compared with nothing
        _compare(report, made)
    if report.found:
        raise FaultyPolicy([f"policy: {fault.path}: {fault.text}" for fault in report.found])
    return made


def _compare(report: Report, made: Policy) -> None:
    """Check the keys against each other, and those of tenants against the rails."""
    check_everybody(report, made.base, made.tenants)
    hold_file_to_rails(report, made.rails, made.base)
    for tenant, rules in made.tenants.items():
        check_tenant(report, rules, tenant)
        hold_to_rails(report, made.rails, made.base, tenant, rules)


def _hold(report: Report, path: Path, value: Any, held: Rules | None = None) -> None:
    """Hold each key of one table to its row, and note its place as if a file had it.

    A tenant has the keys whose values are others than in ``held``, the rules of everybody.
    """
    owner: type = type(value)
    defaults = _defaults(owner)
    for spec in specs_of(owner, report.factors):
        here = (*path, spec.key)
        given = value.options.get(spec.name) if spec.is_option else getattr(value, spec.name)
        if held is not None and _is_inherited(given, getattr(held, spec.name)):
            continue
        report.lines[here] = 0
        if isinstance(given, tuple):
            report.lines.update(((*here, position), 0) for position in range(len(given)))
        if spec.of is None and (type(given), given) == defaults[spec.name]:
            continue  # as if the key were absent
        if given is None and (spec.optional or spec.is_option):
            continue
        if fault := _table(report, here, spec, given) if spec.of else _fault(report, owner, spec, given):
            report.add(here, fault)
        elif (content := READ_FROM.get((owner, spec.name))) and given and not getattr(value, content):
            report.add(here, f"{shown(given)} names a file, and {content} is empty; give its content as well")


def _is_inherited(own: Any, everybodys: Any) -> bool:
    """Tell if a tenant's section is that of everybody.

    Rules of an array are known by their place, and not by their value.
    """
    return own is everybodys or (not isinstance(own, tuple) and own == everybodys)


@cache
def _defaults(owner: type) -> dict[str, tuple[type, object]]:
    """Return the default of each field with its type, for True is as good as 1 otherwise."""
    return {field.name: (type(field.default), field.default) for field in fields(owner)}


def _table(report: Report, here: Path, spec: Spec, given: Any) -> str:
    """Hold a table, or each entry of an array of tables."""
    entries = given if isinstance(given, tuple) and spec.kind == "tables" else (given,)
    wanted = spec.of
    if wanted is None or not all(is_dataclass(entry) and isinstance(entry, wanted) for entry in entries):
        return f"{shown(given)} is not made of {wanted and wanted.__name__}"
    for position, entry in enumerate(entries):
        place = (*here, position) if spec.kind == "tables" else here
        report.remember(entry, place)
        _hold(report, place, entry)
    return ""


def _fault(report: Report, owner: type, spec: Spec, value: object) -> str:
    """Find the reason why a value does not fit its key; "" if it does."""
    wanted, said = TYPES[spec.kind]
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        return f"{value!r:.60} is not {said}"
    given: Any = value
    match spec.kind:
        case "networks":
            return next((fault for name, nets in given.items() if (fault := _network_fault(name, nets))), "")
        case "paths":
            return _paths_fault(given)
        case "list" if not all(isinstance(entry, str) for entry in given):
            return f"{given!r:.60} is not {said}"
        case "word" if given not in spec.words:
            return f"{shown(given)} is not one of {listed(spec.words)}"
    row = key_for(owner, spec.name, report.factors)
    if row.one_of and spec.kind == "list" and (wrong := [entry for entry in given if entry not in row.one_of]):
        return f"{shown(wrong[0])} is not one of {listed(row.one_of)}"
    if row.holds(given):
        return ""
    told = f'"{format_duration(Seconds(given))}"' if spec.kind == "duration" and given >= 0 else shown(given)
    return f"{told} is out of bounds: {row.says}"


def _paths_fault(given: tuple[Any, ...]) -> str:
    if not given:
        return "it must name at least one path"
    for entry in given:
        if not isinstance(entry, PathRule):
            return f"{shown(entry)} is not a PathRule"
        if fault := is_.path_fault(entry.text):
            return f"{shown(entry.text)} is no path: {fault}"
    return ""


def _network_fault(name: str, networks: Any) -> str:
    if fault := is_.network_name_fault(name):
        return f"{shown(name)}: {fault}"
    if not isinstance(networks, tuple) or not all(isinstance(one, (IPv4Network, IPv6Network)) for one in networks):
        return f"{name}: {shown(networks)} is not a tuple of networks (of the module ipaddress)"
    return is_.networks_fault([str(one) for one in networks])
