"""The sign of an adapter that looks in the wrong place: nobody is ever signed in."""

from __future__ import annotations

import pytest

from mfa_gate.web.sightings import MANY, MAX_NAMED, Sightings


async def nobody(_: object) -> None:
    """Find nobody."""


def test_the_log_says_once_that_nobody_was_seen(caplog: pytest.LogCaptureFixture) -> None:
    """After a hundred requests one line names the keys of a session, and no value of it."""
    seen = Sightings(nobody)
    for number in range(MANY - 1):
        seen.stranger({"session": {"user": f"secret-{number}"}} if number else {"session": {}})
    assert caplog.messages == []
    assert seen.keys == ("user",)
    seen.stranger({"session": {"other": 1}})
    (line,) = caplog.messages
    assert "in 100 requests" in line
    assert "'user'" in line
    assert "secret" not in line
    assert "other" not in line
    seen.stranger({})
    assert len(caplog.messages) == 1


def test_somebody_ends_the_doubt(caplog: pytest.LogCaptureFixture) -> None:
    """Once a person was seen nothing is counted, named or logged any more."""
    seen = Sightings(nobody)
    seen.stranger({"session": {"user": 1}})
    assert seen.doubt
    seen.somebody = True
    for _ in range(MANY):
        seen.stranger({"session": {"user": 1}})
    assert (seen.strangers, seen.keys, seen.doubt) == (1, (), "")
    assert caplog.messages == []


def test_few_keys_and_short_ones() -> None:
    """A session with very many or very long keys names ten, each cut."""
    seen = Sightings(nobody)
    seen.stranger({"session": {f"{number:03}" + "x" * 100: 1 for number in range(50)}})
    assert len(seen.keys) == MAX_NAMED
    assert {len(key) for key in seen.keys} == {40}
    seen.stranger({"session": "no mapping"})
    assert len(seen.keys) == MAX_NAMED
