"""A body without a byte has no members, and a query parameter without a value is absent."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.harness import FETCH, JSON, ORIGIN, World, make_world, running

HEADERS = (*FETCH, ("origin", ORIGIN), ("x-mfa-gate", "1"), JSON)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A running host."""
    async with running(make_world()) as made:
        yield made


@pytest.mark.parametrize(
    ("place", "status", "member"), [("backup-codes", 201, None), ("challenge", 422, "authenticator")]
)
async def test_a_call_without_a_body(world: World, place: str, status: int, member: str | None) -> None:
    """A call that needs no members takes an empty body; another one names what is missing."""
    ann = await world.enrolled()
    reply = await ann.ask("POST", f"/mfa/api/{place}", headers=[*HEADERS, ("content-length", "0")])
    assert (reply.status, reply.json().get("member")) == (status, member), reply.text


@pytest.mark.parametrize("place", ["accounts", "events", "leavers"])
async def test_a_list_with_empty_parameters(world: World, place: str) -> None:
    """``limit=`` is the usual number, as ``after=`` is the first page."""
    boss = await world.enrolled("boss", groups=["admin"])
    plain = await boss.api("GET", f"admin/{place}")
    empty = await boss.api("GET", f"admin/{place}?after=&limit=&tenant=")
    assert (empty.status, empty.json()) == (plain.status, plain.json())
