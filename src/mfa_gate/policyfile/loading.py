"""Load a policy: from the text of a file to a ``Policy``, or to every fault that it has."""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path as File
from typing import Any, Literal

from ..core.model import Subject
from ..core.rules import Policy, PolicyTest, Rules
from ..errors import FaultyPolicy
from ..factors import BUILT_IN, Registry
from .attachments import logo_of, stylesheet_of, with_text
from .checks import check_everybody, check_tenant
from .faults import Fault, Report, Wrong, listed, nearest, shown
from .keys import FILE_KEYS
from .lines import Path, line_at, lines_of
from .predicates import printable
from .rails import hold_file_to_rails, hold_to_rails, read_rails
from .reading import Layer, Table, as_table, read, read_all
from .scenario import Example, given_fault
from .shape import keys_of

VERSION = 1
MOST_BYTES = 1024 * 1024
_DIGITS = re.compile(r"[0-9](?:_?[0-9]){600}")
_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """Hold the result of an examination: ``policy`` is None only if there are ``faults``."""

    policy: Policy | None
    faults: tuple[Fault, ...]


def load_policy(path: str | os.PathLike[str], *, factors: Registry = BUILT_IN) -> Policy:
    """Load the policy in the file ``path``.

    Raises ``SettingsError`` with every fault, each with file, line, key and fix.
    """
    text = read_text(path)
    return parse_policy(text, base=File(path).parent, source=File(path).name, factors=factors)


def parse_policy(text: str, *, base: File, source: str = "policy.toml", factors: Registry = BUILT_IN) -> Policy:
    """Parse the policy in ``text`` (TOML).

    Files that it names are looked for in ``base``. ``source`` is the name of the text in faults. ``factors`` are those of
    the gate. Raises ``SettingsError`` with every fault at once.
    """
    examined = examine(text, base=base, factors=factors)
    if examined.policy is None:
        raise FaultyPolicy([fault.told(source) for fault in examined.faults])
    return examined.policy


def read_text(path: str | os.PathLike[str]) -> str:
    """Read the text of a policy file. Raises ``SettingsError`` for one that cannot be read."""
    try:
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise FaultyPolicy(f"{os.fspath(path)}: it is larger than {MOST_BYTES // 1024} KiB; is it a policy?")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise FaultyPolicy(f"{os.fspath(path)}: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise FaultyPolicy(f"{File(path).name}:{line}: it is not UTF-8; save it as UTF-8") from None


def examine(text: str, *, base: File, factors: Registry = BUILT_IN) -> Examined:
    """Parse as ``parse_policy`` does, and return the faults as values."""
    try:
        top = tomllib.loads(text)
        lines = lines_of(text)
    except tomllib.TOMLDecodeError as error:
        return Examined(policy=None, faults=(_syntax_fault(error, text),))
    except ValueError:
        return Examined(policy=None, faults=(_long_number(text),))
    except RecursionError:
        return Examined(policy=None, faults=(Fault(line=1, path="", text="not TOML: it is nested too deeply"),))
    report = Report(lines=lines, factors=factors)
    policy = _policy(report, top, base)
    faults = tuple(sorted(report.found, key=lambda fault: fault.line))
    if faults:
        return Examined(policy=None, faults=faults)
    made = replace(policy, digest=_digest(text, policy.files), text=text, lines=lines)
    return Examined(policy=made, faults=())


def _digest(text: str, files: Mapping[str, bytes]) -> str:
    """Digest the text, and the files that it names.

    A person who accepts an agreement accepts the words that it had then.
    """
    own = hashlib.sha256(text.encode()).hexdigest()
    if not files:
        return own
    parts = [own, *(f"{name} {hashlib.sha256(files[name]).hexdigest()}" for name in sorted(files))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _policy(report: Report, top: Table, base: File) -> Policy:
    name = _head(report, top)
    rails = read_rails(report, ("rails",), top["rails"]) if "rails" in top else {}
    tests = read_all(report, Example, ("tests",), top["tests"]) if "tests" in top else ()
    files = _Files(report=report, base=base)
    own = files.attached("", _rules(report, [((), top)]))
    named = as_table(report, ("tenants",), top.get("tenants", {})) or {}
    check_everybody(report, own, named)
    hold_file_to_rails(report, rails, own)
    tenants: dict[str, Rules] = {}
    for tenant, value in named.items():
        path: Path = ("tenants", tenant)
        section = as_table(report, path, value)
        if section is None or not _is_tenant(report, path, tenant):
            continue
        if "change" in section:
            report.add((*path, "change"), "it is of the whole file; write [change] once, outside of the tenants")
        rules = files.attached(tenant, _rules(report, [(path, section), ((), _beneath(top, section))]))
        check_tenant(report, rules, tenant)
        hold_to_rails(report, rails, own, tenant, rules)
        tenants[tenant] = rules
    policy = Policy(name=name, base=own, tenants=tenants, rails=rails, tenants_are=_tenants_are(report, top))
    return replace(policy, tests=_tests(report, top, tests))


def _head(report: Report, top: Table) -> str:
    """Read ``version`` and ``name``, the two keys that every policy has."""
    version, name = top.get("version"), top.get("name")
    if "version" not in top:
        report.add(("version",), "it is missing; write version = 1")
    elif version is True or version != VERSION or not isinstance(version, int):
        report.add(("version",), f"{shown(version)} is not a version that this program knows; write version = 1")
    if "name" not in top:
        report.add(("name",), "it is missing; give the policy one, it stands in every event")
    elif fault := name_fault(name):
        report.add(("name",), fault)
    return name if isinstance(name, str) else ""


def name_fault(name: object) -> str:
    """Find the reason why a policy cannot have this name; "" if it can."""
    if not isinstance(name, str) or not name.strip() or not printable(name) or len(name) > 100:
        return f"{shown(name)} is out of bounds: it must be text of 1 to 100 printable characters"
    return ""


def _tenants_are(report: Report, top: Table) -> Literal["open", "closed"]:
    """Read ``tenants_are``.

    A closed file must name a tenant, and its tests and rules only tenants that it names.
    """
    path, found = ("tenants_are",), top.get("tenants_are", "open")
    match found:
        case "open":
            return "open"
        case "closed":
            named = top.get("tenants")
            if not named:
                report.add(path, 'it is "closed" and the file names no tenant; add [tenants.…], or write "open"')
            elif isinstance(named, dict):
                _strangers_in_tests(report, top, named)
                _strangers_in_rules(report, top, named)
            return "closed"
    known = ("open", "closed")
    hint = nearest(found, known) if isinstance(found, str) else ""
    report.add(path, f"{shown(found)} is not one of {listed(known)}{hint}")
    return "open"


def _strangers_in_tests(report: Report, top: Table, named: Table) -> None:
    """Report each test about a tenant that a closed file does not name."""
    tests = top.get("tests")
    for number, test in enumerate(tests if isinstance(tests, list) else ()):
        given = test.get("given") if isinstance(test, dict) else None
        tenant = given.get("tenant", "default") if isinstance(given, dict) else "default"
        if isinstance(tenant, str) and tenant not in named:
            text = f'there is no tenant {shown(tenant)}, and tenants_are = "closed"; known: {listed(named)}'
            report.add(("tests", number, "given", "tenant"), text)


def _strangers_in_rules(report: Report, top: Table, named: Table) -> None:
    """Report each tenant of a step-up rule that a closed file does not name."""
    rules = top.get("step_up")
    for number, rule in enumerate(rules if isinstance(rules, list) else ()):
        tenants = rule.get("tenants_any") if isinstance(rule, dict) else None
        for position, tenant in enumerate(tenants if isinstance(tenants, list) else ()):
            if isinstance(tenant, str) and tenant not in named:
                text = f'there is no tenant {shown(tenant)}, and tenants_are = "closed"; known: {listed(named)}'
                report.add(("step_up", number, "tenants_any", position), text)


def _rules(report: Report, layers: list[Layer]) -> Rules:
    """Read the rules that ``layers`` give.

    The factors that ``order`` leaves out come last, in the usual order.
    """
    for path, table in layers:
        _stage_or_dates(report, path, table)
    rules = read(report, Rules, layers, besides=tuple(FILE_KEYS))
    assert rules is not None
    return report.factors.completed(rules)


def _stage_or_dates(report: Report, path: Path, table: Table) -> None:
    enrollment = table.get("enrollment")
    if isinstance(enrollment, dict) and "stage" in enrollment and _DATES & enrollment.keys():
        report.add((*path, "enrollment", "stage"), "the dates below decide the stage; take out the one or the other")


_DATES = {"optional_from", "required_from"}


def _beneath(top: Table, section: Table) -> Table:
    """Return the file's sections as they lie beneath a tenant's section.

    If the tenant names a stage, the file's dates are left out: they would decide the stage.
    """
    beneath = {key: value for key, value in top.items() if key in keys_of(Rules)}
    own, below = section.get("enrollment"), top.get("enrollment")
    if isinstance(own, dict) and isinstance(below, dict) and "stage" in own:
        beneath["enrollment"] = {key: value for key, value in below.items() if key not in _DATES}
    return beneath


def _is_tenant(report: Report, path: Path, tenant: str) -> bool:
    try:
        Subject("somebody", tenant)
    except ValueError:
        report.add(path, f"{shown(tenant)} cannot be a tenant: 1 to 255 bytes, printable, in normal form (NFKC)")
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """Read the files that the rules name."""

    report: Report
    base: File

    def attached(self, tenant: str, rules: Rules) -> Rules:
        agreement, brand = rules.agreement, rules.brand
        if agreement is not None:
            agreement = self._read(tenant, ("agreement", "file"), lambda: with_text(rules.agreement, self.base))  # type: ignore[arg-type]
        if brand.logo:
            content = self._read(tenant, ("brand", "logo"), lambda: logo_of(rules.brand.logo, self.base))
            brand = replace(brand, logo_bytes=content or b"")
        if brand.logo_dark:
            content = self._read(tenant, ("brand", "logo_dark"), lambda: logo_of(rules.brand.logo_dark, self.base))
            brand = replace(brand, logo_dark_bytes=content or b"")
        if brand.stylesheet:
            styles = self._read(
                tenant, ("brand", "stylesheet"), lambda: stylesheet_of(rules.brand.stylesheet, self.base)
            )
            brand = replace(brand, styles=styles or "")
        return replace(rules, agreement=agreement, brand=brand)

    def _read(self, tenant: str, path: Path, reading: Callable[[], Any]) -> Any:
        try:
            return reading()
        except Wrong as wrong:
            place = self.report.where(tenant, path)
            if place[:1] == ("tenants",) or not self.report.spoiled(path, tenant=tenant):
                self.report.add(place, str(wrong), tenant=tenant)
            return None


def _tests(report: Report, top: Table, read_tests: tuple[Example, ...]) -> tuple[PolicyTest, ...]:
    """Return ``[[tests]]`` as they were written, once each situation is known to be possible."""
    tables = top.get("tests", [])
    found = []
    names: set[str] = set()
    for test in read_tests:
        path = report.place_of(test)
        fault = given_fault(test.given)
        if fault and not report.spoiled((*path, "given")):
            report.add((*path, "given"), fault)
        if test.name in names:
            report.add((*path, "name"), f'a second test is named "{test.name}"')
        names.add(test.name)
        table = tables[path[1]]
        line = line_at(report.lines, path)
        found.append(PolicyTest(name=test.name, given=table["given"], expect=table["expect"], line=line))
    return tuple(found)


def _syntax_fault(error: tomllib.TOMLDecodeError, text: str) -> Fault:
    said = str(error)
    place = _PLACE.search(said)
    line = int(place[1]) if place and place[1] else text.count("\n") + 1
    column = f" (column {place[2]})" if place and place[2] else " (at the end of the file)" if place else ""
    what = said[: place.start()] if place else said
    return Fault(line=line, path="", text=f"not TOML: {what[:1].lower()}{what[1:]}{column}")


def _long_number(text: str) -> Fault:
    """Tell of the number that Python refuses to read: it has hundreds of digits or more."""
    found = _DIGITS.search(text)
    line = text.count("\n", 0, found.start()) + 1 if found else 1
    return Fault(line=line, path="", text="not TOML: a whole number has at most 19 digits")
