"""The numbers of an impact.

By rule, tenant, group, application, route, browser and day, and person by person.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ...core.model import SubjectKey
from ...core.stops import HELPS
from ...core.text_safety import no_formula
from .replay import Replay, Stopped

NO_GROUP = "(no group)"
NOT_KNOWN = "(not known)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a table.

    ``asked``, ``enroll`` and ``walled_out`` count people, ``stops`` the times at which people were held up, ``held`` the
    requests of people who are walled out. ``people`` and ``requests`` are all that came, 0 where that has no meaning.
    """

    name: str
    asked: int = 0
    stops: int = 0
    enroll: int = 0
    walled_out: int = 0
    held: int = 0
    people: int = 0
    requests: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLine:
    """One person: what would happen, and what would help where the person is walled out."""

    tenant: str
    id: str
    groups: tuple[str, ...] | None
    requests: int
    asked: int
    enrolls: bool
    walled_out: str
    helps: str
    rules: tuple[str, ...]
    first_at: int


Names = Callable[[Stopped], tuple[str, ...]]

DIMENSIONS: Mapping[str, Names] = {
    "rule": lambda stop: stop.rules,
    "tenant": lambda stop: (stop.key.tenant,),
    "group": lambda stop: _groups(stop.groups),
    "application": lambda stop: (stop.app or "-",),
    "route": lambda stop: (f"{stop.method} {stop.route or NOT_KNOWN}",),
    "browser": lambda stop: (stop.family or "-",),
    "day": lambda stop: (_day(stop.at // 86_400),),
}
"""The tables, each with the names of the lines in which a stop counts."""


def _groups(groups: tuple[str, ...] | None) -> tuple[str, ...]:
    return (NOT_KNOWN,) if groups is None else groups or (NO_GROUP,)


def _day(number: int) -> str:
    return f"{datetime.fromtimestamp(number * 86_400, UTC):%Y-%m-%d}"


def total(found: Replay) -> Line:
    """Return the numbers of everybody together."""
    requests = sum(seen.requests for seen in found.people.values())
    return _line("", found.stops, len(found.people), requests)


def table(found: Replay, dimension: str) -> list[Line]:
    """Return the lines of a table, those with the most stops first; days in their order."""
    names, stops = DIMENSIONS[dimension], defaultdict[str, list[Stopped]](list)
    for stop in found.stops:
        for name in names(stop):
            stops[name].append(stop)
    people, requests = _traffic(found, dimension)
    lines = [_line(name, stops[name], len(people[name]), requests[name]) for name in {*stops, *people}]
    if dimension == "day":
        return sorted(lines, key=lambda line: line.name)
    return sorted(lines, key=lambda line: (-line.stops - line.held, line.name))


def _line(name: str, stops: list[Stopped], people: int, requests: int) -> Line:
    walled = [stop for stop in stops if stop.kind == "walled-out"]
    return Line(
        name=name,
        asked=len({stop.key for stop in stops if stop.kind == "asked"}),
        stops=sum(stop.kind != "walled-out" for stop in stops),
        enroll=len({stop.key for stop in stops if stop.kind == "enroll"}),
        walled_out=len({stop.key for stop in walled}),
        held=sum(stop.requests for stop in walled),
        people=people,
        requests=requests,
    )


def _traffic(found: Replay, dimension: str) -> tuple[dict[str, set[SubjectKey]], dict[str, int]]:
    """Count the people and requests that came, by the names of a table; none by rule."""
    people, requests = defaultdict[str, set[SubjectKey]](set), defaultdict[str, int](int)
    for (app, method, route, family, day, key), count in found.traffic.items():
        named: Mapping[str, tuple[str, ...]] = {
            "tenant": (key.tenant,),
            "group": _groups(found.people[key].groups),
            "application": (app or "-",),
            "route": (f"{method} {route or NOT_KNOWN}",),
            "browser": (family or "-",),
            "day": (_day(day),),
        }
        for name in named.get(dimension, ()):
            people[name].add(key)
            requests[name] += count
    return people, requests


def people(found: Replay) -> list[PersonLine]:
    """Return everybody who would be stopped.

    Those who are walled out first, then the most frequent.
    """
    mine = defaultdict[SubjectKey, list[Stopped]](list)
    for stop in found.stops:
        mine[stop.key].append(stop)
    lines = [_person(found, key, stops) for key, stops in mine.items()]
    return sorted(lines, key=lambda line: (not line.walled_out, -line.asked, line.tenant, line.id))


def _person(found: Replay, key: SubjectKey, stops: list[Stopped]) -> PersonLine:
    seen = found.people[key]
    walled = next((stop.why for stop in stops if stop.kind == "walled-out"), "")
    return PersonLine(
        tenant=key.tenant,
        id=key.id,
        groups=seen.groups,
        requests=seen.requests,
        asked=sum(stop.kind != "walled-out" for stop in stops),
        enrolls=any(stop.kind == "enroll" for stop in stops),
        walled_out=walled,
        helps=HELPS.get(walled, ""),
        rules=tuple(dict.fromkeys(rule for stop in stops for rule in stop.rules)),
        first_at=stops[0].at,
    )


def unknown(found: Replay) -> Iterator[tuple[str, int]]:
    """List what could not be known, each with its count."""
    yield from found.counted.items()
    for what, whom in found.unknown.items():
        yield what, len(whom)


def people_csv(found: Replay) -> str:
    """Write the list of people as CSV, for a spreadsheet: no cell of it is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(
        ("tenant", "id", "groups", "requests", "stops", "enrolls", "walled_out", "helps", "rules", "first_stop")
    )
    for line in people(found):
        groups = NOT_KNOWN if line.groups is None else " ".join(line.groups)
        first = f"{datetime.fromtimestamp(line.first_at, UTC):%Y-%m-%dT%H:%M:%SZ}"
        cells = (line.tenant, line.id, groups, line.requests, line.asked, "yes" if line.enrolls else "no")
        rest = (line.walled_out, line.helps, " ".join(line.rules), first)
        writer.writerow([no_formula(cell) if isinstance(cell, str) else cell for cell in (*cells, *rest)])
    return text.getvalue()
