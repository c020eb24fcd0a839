"""The bytes of records of report-only, and the same as a document of JSON."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields

from .policy import Demand
from .report import Part, Place, Row, Situation
from .stops import Stop


def row_to(row: Row, situations: dict[Situation, int]) -> list[object]:
    """Write a row as values of JSON; a situation is written once, and has a number."""
    place, stop = row.place, row.stop
    demands = [list(astuple(demand)) for demand in place.endpoint]
    number = situations.setdefault(row.situation, len(situations))
    where = [place.method, place.route, place.path, place.clean, demands]
    return [number, *where, stop.kind, stop.why, list(stop.rules), row.count, row.first, row.last, row.minutes]


def row_from(values: Sequence[object], situations: Sequence[Situation]) -> Row:
    """Read a row again. Raises ``ValueError`` for anything else."""
    try:
        number, method, route, path, clean, demands, kind, why, rules, count, first, last, minutes = values
        endpoint = tuple(_demand(*parts) for parts in demands)  # type: ignore[attr-defined]
        place = Place(str(method), str(route), str(path), bool(clean), endpoint)
        stop = Stop(kind, str(why), tuple(map(str, rules)))  # type: ignore[arg-type, call-overload]
        numbers = [int(part) for part in (count, first, last, minutes)]  # type: ignore[call-overload]
        return Row(situations[int(number)], place, stop, *numbers)  # type: ignore[call-overload]
    except (TypeError, IndexError) as error:
        raise ValueError(f"no row of a report: {error}") from None


def _demand(rule: str, max_age: int, factors_any: Iterable[str], *strength: bool) -> Demand:
    resistant, verified = strength
    return Demand(
        rule=rule,
        max_age=max_age,  # type: ignore[arg-type]
        factors_any=tuple(factors_any),
        phishing_resistant=resistant,
        user_verification=verified,
    )


def situation_to(situation: Situation) -> list[object]:
    """Write a situation as values of JSON."""
    return [getattr(situation, field.name) for field in fields(situation)]


def situation_from(values: Sequence[object]) -> Situation:
    """Read a situation again. Raises ``ValueError`` for anything else."""
    if len(values) != len(fields(Situation)):
        raise ValueError("no situation of a report")
    found = dict(zip((field.name for field in fields(Situation)), values, strict=True))
    login, groups = found["login"], found["groups"]
    found["login"] = None if login is None else (tuple(login[0]), str(login[1]), int(login[2]))  # type: ignore[index]
    found["groups"] = None if groups is None else tuple(groups)  # type: ignore[arg-type]
    found["chosen"] = tuple(found["chosen"])  # type: ignore[arg-type]
    return Situation(**found)  # type: ignore[arg-type]


def part_document(part: Part) -> dict[str, object]:
    """Write a part as a document of JSON, as an export has it."""
    situations: dict[Situation, int] = {}
    rows = [row_to(row, situations) for row in part.rows]
    return {
        "report": 1,
        "uid": part.uid,
        "app": part.app,
        "policy": part.policy,
        "hour": part.hour,
        "situations": [situation_to(one) for one in situations],
        "rows": rows,
        "dropped": part.dropped,
        "unjudged": part.unjudged or {},
        "unseen": list(part.unseen),
    }


def part_from(document: object) -> Part:
    """Read a part again. Raises ``ValueError`` for anything else."""
    try:
        if not isinstance(document, dict) or document["report"] != 1:
            raise ValueError("no part of a report of this format")
        situations = [situation_from(values) for values in document["situations"]]
        return Part(
            uid=str(document["uid"]),
            app=str(document["app"]),
            policy=str(document["policy"]),
            hour=int(document["hour"]),
            rows=[row_from(values, situations) for values in document["rows"]],
            dropped=int(document["dropped"]),
            unjudged={str(why): int(count) for why, count in document["unjudged"].items()},
            unseen=tuple(map(str, document["unseen"])),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no part of a report: {error!r}") from None


def pack(part: Part) -> bytes:
    """Write a part as a store keeps it."""
    return zlib.compress(json.dumps(part_document(part), separators=(",", ":")).encode())


def unpack(body: bytes) -> Part:
    """Read a part of a store. Raises ``ValueError`` if it cannot be read."""
    try:
        return part_from(json.loads(zlib.decompress(body)))
    except zlib.error as error:
        raise ValueError(f"no part of a report: {error}") from None
