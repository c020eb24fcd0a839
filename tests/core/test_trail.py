"""A line of the audit trail is written and read whole; a damaged one stands in its place."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest

from mfa_gate.core.events import UNREADABLE, Event
from mfa_gate.core.trail import (
    KEY,
    WAS,
    UnreadableEvent,
    chain,
    chain_event,
    count_old,
    digest_of,
    event_from_json,
    event_from_trail,
    event_to_json,
    keyed,
    keyed_digest,
    link_digest,
    own_digest,
)

EVENTS = [
    Event(id=f"e{n}", kind="attempt.failed", at=n, tenant="t", account="ä\u2028\x00'", detail={"n": n, "w": "x"})
    for n in range(5)
]


def test_round_trip() -> None:
    """Every field of an event comes back from its line."""
    for item in fields(Event):
        value: object = {"at": 2**40, "ms": 7, "detail": {"a": 1, "b": "c"}}.get(item.name, "x\ud800")
        event = replace(EVENTS[0], **{item.name: value})  # type: ignore[arg-type]
        assert event_from_json(event_to_json(event)) == event


def test_empty_parts_are_left_out() -> None:
    """An empty part of an event is not written.

    So a field that is added later changes no old digest.
    """
    assert event_to_json(Event(id="e", kind="k", at=1, tenant="t")) == '{"at":1,"id":"e","kind":"k","tenant":"t"}'


@pytest.mark.parametrize(
    "text", ["", "null", "[]", '"x"', "{}", '{"id":"e","kind":"k","at":1,"tenant":"t","new":1}', "[" * 9999]
)
def test_unreadable(text: str) -> None:
    """F-20: a damaged or newer line is refused, not half read."""
    with pytest.raises(UnreadableEvent):
        event_from_json(text)


WHOLE = {"id": "a", "kind": "account.locked", "at": 5, "tenant": "t"}


@pytest.mark.parametrize(
    "wrong",
    [
        *({name: value} for name in ("id", "kind", "account", "reason") for value in (1, None, ["x"], {"x": 1}, True)),
        *({"at": value} for value in ("5", 5.0, None, True, -1, 10**400, 253_402_300_800)),
        *({"detail": value} for value in (1, "x", None, ["x"])),
        {"tenant": "another"},
        {"tenant": 7},
    ],
    ids=str,
)
def test_parts_of_another_type_are_damage(wrong: dict[str, object]) -> None:
    """A line with parts of another type stands as damaged in its place.

    Such a line can be written and read again.
    """
    line = json.dumps({**WHOLE, **wrong})
    event = event_from_trail(line, tenant="t", place="7")
    assert (event.kind, event.tenant, event.detail, event.at) == (
        UNREADABLE,
        "t",
        {"found": event.detail["found"], "place": "7"},
        0,
    )
    assert event_from_json(event_to_json(event)) == event


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "null", '"x"', "{}", b"\xff", "[" * 100_000, '{"id":"a"}'])
def test_what_is_no_event_is_damage(text: str | bytes) -> None:
    """Whatever stands there, it is read, and two such lines are two events."""
    first, second = (event_from_trail(text, tenant="t", place=place) for place in ("1", "2"))
    assert first.kind == second.kind == UNREADABLE
    assert first.id != second.id


def test_parts_of_a_newer_version_are_shown() -> None:
    """Unknown parts and values become words of the detail; a known word is never overwritten."""
    line = json.dumps({**WHOLE, "kind": "new.kind", "moon": {"a": [1]}, "x": 2.5, "detail": {"x": 1, "y": [None]}})
    event = event_from_trail(line, tenant="t", place="1")
    assert (event.kind, event.detail) == ("new.kind", {"moon": '{"a":[1]}', "x": 1, "y": "[null]"})
    assert event_from_json(event_to_json(event)) == event
    with pytest.raises(UnreadableEvent, match="moon"):
        event_from_json(line)


@pytest.mark.parametrize("at", [0, 1, 253_402_300_799])
def test_the_times_that_a_calendar_has(at: int) -> None:
    """The first and the last second are read; a line without a time has 0."""
    event = event_from_trail(json.dumps({**WHOLE, "at": at}), tenant="t", place="1")
    assert (event.kind, event.at) == ("account.locked", at)


def test_the_digest_in_the_chain() -> None:
    """It is a line's own, or the one that the line had before a person was erased from it."""
    line = event_to_json(EVENTS[1])
    assert link_digest(line) == digest_of(line) != digest_of(line + " ")
    assert link_digest(json.dumps({**WHOLE, WAS: "before"})) == "before"
    for odd in (f'no JSON "{WAS}":', json.dumps({**WHOLE, WAS: 7}), json.dumps([{WAS: "x"}])):
        assert link_digest(odd) == digest_of(odd)


def test_a_keyed_line_is_chained_by_its_secret_digest() -> None:
    """S-112: nobody without the key makes a line that fits.

    A line of before has its plain digest.
    """
    event = keyed(EVENTS[1], "key-1", b"secret")
    assert event == replace(event, line=event.line)
    assert json.loads(event.line)[KEY] == "key-1"
    assert own_digest(event, event.line) == keyed_digest(b"secret", "t", digest_of(event.line))
    assert (
        keyed_digest(b"other", "t", digest_of(event.line))
        != event.own
        != keyed_digest(b"secret", "u", digest_of(event.line))
    )
    assert own_digest(EVENTS[1], "line") == digest_of("line")
    assert chain_event("0" * 64, event, event.line) == chain("0" * 64, event.own)


@pytest.mark.parametrize(
    ("times", "count"),
    [
        ([], 0),
        ([10, 20, 99], 3),
        ([10, 100], 1),
        ([10, 100, 20], 1),
        ([10, 200], 1),
        ([0, 0, 10], 3),
        ([10, 0], 1),
        ([0, 10, 0, 150], 2),
        ([201, 10], 2),
        ([10, 201], 1),
        ([201, 0], 0),
        ([201, 150, 10], 0),
        ([99, 100], 1),
        ([100], 0),
    ],
)
def test_lines_that_may_be_pruned(times: list[int], count: int) -> None:
    """All up to the last one older than 100; the count ends at the first one from then to now.

    A line without a time, or with one ahead of the clock (200), is as old as the line behind it.
    """
    assert count_old(times, before=100, now=200) == count
