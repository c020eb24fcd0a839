"""Verifying a trail finds every line that was removed, moved or altered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.events import Event
from mfa_gate.core.trail import START, chain, event_to_json, link_digest
from mfa_gate.service.trail_verification import verify_trail

from .trails import StoredTrail

EVENTS = [
    Event(id=f"e{n}", kind="attempt.failed", at=n, tenant="t", account="ä\u2028\x00'", detail={"n": n, "w": "x"})
    for n in range(5)
]


def written() -> list[tuple[Event, str]]:
    links, digest = [], START
    for event in EVENTS:
        digest = chain(digest, link_digest(event_to_json(event)))
        links.append((event, digest))
    return links


async def first_broken(links: list[tuple[Event, str]], head: str) -> int:
    """The place that is found, -1 for none."""
    lines = [(event_to_json(event), digest) for event, digest in links]
    return (await verify_trail(StoredTrail(lines, head))).get("t", -1)


async def test_whole_chain() -> None:
    """An untouched trail holds, an empty one too."""
    links = written()
    assert await first_broken(links, links[-1][1]) == -1
    assert await first_broken([], START) == -1


@pytest.mark.parametrize("at", range(5))
async def test_any_change_shows(at: int) -> None:
    """Altering, removing or moving any line is found where it happened; so is a cut-off tail."""
    links = written()
    head = links[-1][1]
    altered = [*links[:at], (replace(links[at][0], reason="x"), links[at][1]), *links[at + 1 :]]
    assert await first_broken(altered, head) == at
    assert await first_broken(links[:at] + links[at + 1 :], head) == at
    if at:
        moved = [*links[: at - 1], links[at], links[at - 1], *links[at + 1 :]]
        assert await first_broken(moved, head) == at - 1
    assert await first_broken(links[:at], head) == at
