"""The chain of the audit trail shows every line that was removed, moved or altered."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from mfa_gate.core.events import Event
from mfa_gate.core.trail import START, UnreadableEvent, chain, event_from_json, event_to_json, first_broken

EVENTS = [
    Event(id=f"e{n}", kind="attempt.failed", at=n, tenant="t", account="ä\u2028\x00'", detail={"n": n, "w": "x"})
    for n in range(5)
]


def written() -> list[tuple[Event, str]]:
    links, digest = [], START
    for event in EVENTS:
        digest = chain(digest, event)
        links.append((event, digest))
    return links


def test_round_trip() -> None:
    """Every field of an event comes back from its line."""
    for item in fields(Event):
        value: object = {"at": 2**40, "detail": {"a": 1, "b": "c"}}.get(item.name, "x\ud800")
        event = replace(EVENTS[0], **{item.name: value})  # type: ignore[arg-type]
        assert event_from_json(event_to_json(event)) == event


def test_empty_parts_are_left_out() -> None:
    """A part that says nothing is not written, so that a field added later changes no old digest."""
    assert event_to_json(Event(id="e", kind="k", at=1, tenant="t")) == '{"at":1,"id":"e","kind":"k","tenant":"t"}'


@pytest.mark.parametrize(
    "text", ["", "null", "[]", '"x"', "{}", '{"id":"e","kind":"k","at":1,"tenant":"t","new":1}', "[" * 9999]
)
def test_unreadable(text: str) -> None:
    """F-20: a damaged or newer line is refused, not half read."""
    with pytest.raises(UnreadableEvent):
        event_from_json(text)


def test_whole_chain() -> None:
    """An untouched trail holds, an empty one too."""
    links = written()
    assert first_broken(links, links[-1][1]) == -1
    assert first_broken([], START) == -1


@pytest.mark.parametrize("at", range(5))
def test_any_change_shows(at: int) -> None:
    """Altering, removing or moving any line is found where it happened; so is a cut-off tail."""
    links = written()
    head = links[-1][1]
    altered = [*links[:at], (replace(links[at][0], reason="x"), links[at][1]), *links[at + 1 :]]
    assert first_broken(altered, head) == at
    assert first_broken(links[:at] + links[at + 1 :], head) == at
    if at:
        moved = [*links[: at - 1], links[at], links[at - 1], *links[at + 1 :]]
        assert first_broken(moved, head) == at - 1
    assert first_broken(links[:at], head) == at
