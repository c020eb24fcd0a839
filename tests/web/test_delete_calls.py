"""A DELETE has its members in a body or in the query, and reads no body where it has none."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.harness import FETCH, ORIGIN, Browser, Reply, World, make_world, running

HEADERS = (*FETCH, ("origin", ORIGIN), ("x-mfa-gate", "1"))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Ann with an app and a mail address."""
    async with running(make_world()) as made:
        ann = await made.enrolled()
        await ann.enroll_email()
        yield made


async def delete(browser: Browser, place: str, body: bytes | None, *more: tuple[str, str]) -> Reply:
    length = [("content-length", str(len(body)))] if body is not None else []
    return await browser.ask("DELETE", f"/mfa/api/{place}", headers=[*HEADERS, *length, *more], body=body or b"")


async def test_a_body_that_no_call_asks_for_is_not_read(world: World) -> None:
    """A client that sends an empty text with each DELETE is served."""
    eve = await world.enrolled("eve")
    mail = await eve.enroll_email()
    assert (await delete(eve, f"authenticators/{mail}", b"no JSON", ("content-type", "text/plain"))).status == 204


@pytest.mark.parametrize(
    ("body", "query", "status"),
    [
        (b'{"reason":"phone lost"}', "", 200),
        (None, "?reason=phone+lost", 200),
        (b"", "?reason=phone+lost", 200),
        (b'{"reason":"phone lost"}', "?reason=other", 200),
        (None, "", 422),
        (b"{}", "?reason=phone+lost", 422),
    ],
)
async def test_a_reason_comes_in_the_body_or_in_the_query(
    world: World, body: bytes | None, query: str, status: int
) -> None:
    """A body that is there counts alone; an empty one is none."""
    boss = await world.enrolled("boss", groups=["admin"])
    mail = next(one.id for one in (await world.account()).authenticators if one.factor == "email")
    place = f"admin/accounts/ann/authenticators/{mail}{query}"
    reply = await delete(boss, place, body, ("content-type", "application/json"))
    assert reply.status == status, reply.text
    assert [event.reason for event in world.kinds("factor.removed")] == (["phone lost"] if status == 200 else [])
