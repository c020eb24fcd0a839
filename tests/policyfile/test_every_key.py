"""Each key by itself: a wrong type or a value out of bounds is one fault, at its line."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mfa_gate.core.rules import Rules
from mfa_gate.policyfile import examine
from mfa_gate.policyfile.faults import dotted
from mfa_gate.policyfile.lines import lines_of
from mfa_gate.policyfile.scenario import Expect, Given
from mfa_gate.policyfile.shape import specs_of

HERE = Path(__file__).parent
DOCUMENTS = {name: (HERE / name).read_text() for name in ("example.toml", "rest.toml")}

Where = tuple[str | int, ...]

OUT_OF_BOUNDS: dict[str, str] = {
    "tenants_are": '"ajar"',
    "policy": '[""]',
    "looser": '"always"',
    "approvals": "0",
    "grace": '"91d"',
    "version": "2",
    "name": '""',
    "owner": '"a\\u0007"',
    "mode": '"enforced"',
    "allowed": "[]",
    "order": '["totp", "totp"]',
    "choice": '"nobody"',
    "first_offer": '"weakest"',
    "digits": "99",
    "ttl": '"1s"',
    "live": "0",
    "wait": '"2h"',
    "per_hour": "0",
    "per_day": "100000",
    "phone": '"both"',
    "regions": '["usa"]',
    "refuse_types": '["landline"]',
    "consent_text": '"' + "x" * 301 + '"',
    "confirm": '"star"',
    "period": '"5m"',
    "drift_steps": "2",
    "apps": '[""]',
    "count": "0",
    "sms": "-1",
    "voice": "-1",
    "cap_per_day": "0",
    "below": "101",
    "after": "0",
    "window": '"400d"',
    "user_verification": '"maybe"',
    "resident_key": '"maybe"',
    "attachment": '"usb"',
    "hints": '["phone"]',
    "prompt": '"always"',
    "warn_at": "-1",
    "stage": '"mandatory"',
    "label": '""',
    "remind": '"never"',
    "to": '"fax"',
    "every": '"5m"',
    "max": "0",
    "first": '"friend"',
    "ticket_life": '"31d"',
    "checklist": '"maybe"',
    "max_age": '"0s"',
    "renew_early": '"2d"',
    "remember": '"forever"',
    "outage_grace": '"16m"',
    "trust_amr": '["pwd"]',
    "trust_acr": '[""]',
    "phishing_resistant_acr": '["phr", "phr"]',
    "login_age": '"a while"',
    "action": '"ignore"',
    "v4": "0",
    "v6": "129",
    "known_networks": "6",
    "trusted": '["nowhere"]',
    "hq": '["198.51.100.1/28"]',
    "look": '[""]',
    "unlock": '["admin", "admin"]',
    "reset": '[""]',
    "tenant": '[" "]',
    "audit": '[""]',
    "everywhere": '[""]',
    "privileged": '[""]',
    "actor_max_age": '"1s"',
    "ways": '["bribe"]',
    "contact": '"a\\nb"',
    "hold": '"31d"',
    "self_service": '"91d"',
    "retention": '"29d"',
    "mail_heads": '"yes"',
    "mail_reports": '"daily"',
    "id": '"a/b"',
    "title": '""',
    "file": '"missing.md"',
    "again": '"weekly"',
    "accent": '"#ffffff"',
    "logo": '"agreements/data-access.md"',
    "logo_dark": '"agreements/data-access.md"',
    "stylesheet": '"missing.css"',
    "text": '"black"',
    "text_dark": '"#12"',
    "surface": '"#ffff"',
    "surface_dark": '"rgb(0, 0, 0)"',
    "radius": "25",
    "font": '"a; b"',
    "help_url": '"javascript:alert(1)"',
    "terms_url": '"http://example.org/terms"',
    "privacy_url": '"privacy"',
    "paths": '["/no/../where/**"]',
    "methods": '["FETCH"]',
    "reason": '" "',
    "groups_any": "[]",
    "tenants_any": '[""]',
    "groups_none": '[""]',
    "factors_any": '["fax"]',
    "min": '"31d"',
    "at_least": "-1",
    "expires": '"2027-12-31"',
    "required_from": "2025-01-01T00:00:00Z",
    "optional_from": "2025-02-01T00:00:00",
    "request": '"/export"',
    "ip": '"near"',
    "decision": '"maybe"',
    "factors": '["fax"]',
    "enrolled": '["fax"]',
    "proof_age": '"a while"',
    "proof_factor": '"fax"',
}
"""One bad value for each key that has bounds; the same key means the same thing wherever it stands, but for these:"""

SPECIAL: dict[Where, str] = {
    ("attempts", "max"): "0",
    ("attempts", "rolling", "max"): "6",
    ("attempts", "rolling", "window"): '"1h"',
    ("factors", "push", "ttl"): '"11m"',
    ("factors", "email", "code"): "{ digits = 6, ttl = '10m', live = 6 }",
    ("enrollment", "skip", "max"): "-1",
    ("enrollment", "nudge", "max"): "-1",
    ("enrollment", "nudge", "after"): '["fax"]',
    ("enrollment", "nudge", "groups_any"): '[""]',
    ("report", "retention"): '"23h"',
    ("step_up", 0, "groups_any"): '[""]',
    ("rails", "freshness.max_age", "max"): '"a month"',
    ("brand", "name"): '"' + "x" * 81 + '"',
    ("tests", 0, "given", "tenant"): '""',
    ("tests", 0, "given", "groups"): '[""]',
}
UNBOUNDED = {"auto_send", "mask", "permanent", "lock_ends_sessions", "phishing_resistant", "report_only", "subset"}
UNBOUNDED |= {"reload", "show_name", "only_stricter", "locked", "skipped", "agreed", "enabled", "rule", "at"}
"""Yes-or-no keys, and free text: any value of the right type will do."""


def walk(table: dict[str, Any], path: Where = ()) -> Iterator[tuple[Where, Any]]:
    """Every key of a document with its value; arrays of tables by their positions."""
    for key, value in table.items():
        here = (*path, key)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            for position, entry in enumerate(value):
                yield from walk(entry, (*here, position))
            continue
        if not isinstance(value, dict):
            yield here, value
        else:
            yield from walk(value, here)


KEYS = [(name, path, value) for name, text in DOCUMENTS.items() for path, value in walk(tomllib.loads(text))]
IDS = [f"{name}:{dotted(path)}" for name, path, _ in KEYS]


def mutated(name: str, path: Where, written: str) -> str:
    """The document with the value at ``path`` replaced, on its own line."""
    text = DOCUMENTS[name]
    lines = text.split("\n")
    number = lines_of(text)[path] - 1
    key = re.escape(str(path[-1]))
    value = r'("[^"]*"|\[[^\]]*\]|[^,}\s#]+)'
    lines[number], count = re.subn(
        rf'((?<![\w-])"?{key}"?\s*=\s*){value}', lambda m: m[1] + written, lines[number], count=1
    )
    assert count == 1, f"{dotted(path)} was not found in line {number + 1}: {lines[number]}"
    return "\n".join(lines)


def wrong_type(value: object) -> str:
    match value:
        case bool():
            return '"yes"'
        case int():
            return '"7"'
        case datetime.date():
            return '"soon"'
    return "7"


def assert_one_fault(name: str, path: Where, text: str) -> None:
    faults = examine(text, base=HERE).faults
    told = [fault.told(name) for fault in faults]
    assert len(faults) == 1, told
    assert faults[0].path == dotted(path) or faults[0].path.startswith(dotted(path) + "["), told
    assert faults[0].line == lines_of(DOCUMENTS[name])[path], told


def in_turn(place: int) -> list[object]:
    """List the keys: every second one from ``place`` on, and the others for ``--long``."""
    return [
        pytest.param(*key, id=id, marks=[] if number % 2 == place else [pytest.mark.long])
        for number, (key, id) in enumerate(zip(KEYS, IDS, strict=True))
    ]


@pytest.mark.parametrize(("name", "path", "value"), in_turn(0))
def test_a_wrong_type_is_one_fault(name: str, path: Where, value: object) -> None:
    """Whatever the key, a value of another type is one fault that names path and line."""
    assert_one_fault(name, path, mutated(name, path, wrong_type(value)))


@pytest.mark.parametrize(
    ("name", "path"), [(n, p) for n, p, _ in KEYS if p[-1] not in UNBOUNDED or p in SPECIAL], ids=str
)
def test_a_value_out_of_bounds_is_one_fault(name: str, path: Where) -> None:
    """A value of the right type that the key cannot take is one fault with path and line."""
    written = SPECIAL.get(path) or OUT_OF_BOUNDS[str(path[-1])]
    text = mutated(name, path, written)
    if path[:3] == ("tests", 0, "given") and path[-1] == "request":
        path = path[:3]
    assert_one_fault(name, path, text)


@pytest.mark.parametrize(("name", "path", "value"), in_turn(1))
def test_an_unknown_key_is_one_fault(name: str, path: Where, value: object) -> None:
    """An unknown key is one fault of its own, and names the nearest key.

    Its absence from the right place may be another fault.
    """
    text = DOCUMENTS[name]
    lines = text.split("\n")
    number = lines_of(text)[path] - 1
    key = str(path[-1])
    lines[number] = re.sub(rf"(?<![\w-]){re.escape(key)}(?=\"?\s*=)", key + "x", lines[number], count=1)
    faults = examine("\n".join(lines), base=HERE).faults
    if path[:1] == ("networks",):
        assert [fault.path for fault in faults] == ["freshness.ip_change.trusted[0]"]
        return
    unknown = [fault for fault in faults if fault.text.startswith("unknown key") or "no key" in fault.text]
    assert len(unknown) == 1, faults
    assert unknown[0].line == number + 1
    assert f"{key}x" in unknown[0].path


def test_every_key_there_is_stands_in_the_documents() -> None:
    """The two documents have every key of the classes, so the tables above leave none out."""

    def keys_below(cls: type, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for spec in specs_of(cls):
            here = (*path, spec.key)
            if spec.of is not None:
                yield from keys_below(spec.of, here)
            else:
                yield here

    written = {tuple(part for part in path if isinstance(part, str)) for _, path, _ in KEYS}
    known = set(keys_below(Rules, ())) - {("networks",)}
    known |= {("tests", "given", *path) for path in keys_below(Given, ())}
    known |= {("tests", "expect", *path) for path in keys_below(Expect, ())}
    assert known - written == set()
