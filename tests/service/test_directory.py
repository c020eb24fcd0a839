"""The host's directory is read in pieces, and one that fails lists nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.service import directory as module
from mfa_gate.service.directory import NoDirectory, people_of, pieces_of


def person(id: str) -> tuple[Subject, Contacts]:
    """Make somebody of the directory."""
    return Subject(id, "alpha"), Contacts()


async def many(tenant: str) -> AsyncIterator[tuple[Subject, Contacts]]:
    """List five people, one after the other."""
    for number in range(5):
        yield person(f"p{number}")


async def at_once(tenant: str) -> list[tuple[Subject, Contacts]]:
    """Return a list."""
    return [person("a"), person("b")]


async def pieces(directory: Any) -> list[list[str]]:
    """Return the ids of each piece."""
    return [[subject.id for subject, _ in piece] async for piece in pieces_of(directory, "alpha")]


async def test_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many people come at a time; none comes twice, and none is left out."""
    monkeypatch.setattr(module, "AT_ONCE", 2)
    found = await pieces(many)
    assert [id for piece in found for id in piece] == [f"p{number}" for number in range(5)]
    assert [len(piece) for piece in found if piece] == [2, 2, 1]
    assert [id for piece in await pieces(at_once) for id in piece] == ["a", "b"]
    assert [subject.id for subject, _ in await people_of(many, "alpha") or ()] == [f"p{n}" for n in range(5)]


async def broken(tenant: str) -> list[Any]:
    """Fail."""
    raise RuntimeError("the directory is away")


async def odd(tenant: str) -> list[Any]:
    """List what is nobody."""
    return [person("a"), "b"]


@pytest.mark.parametrize(
    ("directory", "logged"), [(None, False), (broken, True), (odd, True), (lambda tenant: 5, True)]
)
async def test_a_directory_that_is_none(directory: Any, logged: bool, caplog: pytest.LogCaptureFixture) -> None:
    """It is an error that callers know, and the log says why."""
    with pytest.raises(NoDirectory):
        await pieces(directory)
    assert bool(caplog.records) == logged
    assert await people_of(directory, "alpha") is None


async def test_a_directory_that_hangs(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """It lists nobody after its time, and the log says so."""

    async def hangs(tenant: str) -> list[Any]:
        await asyncio.sleep(60)
        return []

    monkeypatch.setattr(module, "DIRECTORY_TIMEOUT", 0.01)
    assert await people_of(hangs, "alpha") is None
    assert caplog.records
