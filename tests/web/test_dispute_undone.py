"""A dispute by mistake is taken back, by a method that had no part in the event."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.harness import Browser, World, make_world, running
from tests.web.test_dispute import DAY, OWNED, link, press

UNDO = {"action": "undo"}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running(make_world(policy=OWNED)) as made:
        yield made


async def disputed(world: World) -> Browser:
    """Dispute an address that was added by the app two days after the first set-up."""
    ann = await world.enrolled()
    world.clock.advance(2 * DAY)
    await ann.prove()
    await ann.enroll_email()
    path = await link(world, "method was added")
    done = await press(Browser(world), path)
    assert "Was it you after all?" in done.text
    return ann


async def allowed(ann: Browser) -> bool:
    """Tell if the methods can be changed."""
    mine = await ann.authenticator("email")
    return (await ann.api("PATCH", f"authenticators/{mine}", {"label": "Mail"})).status == 200


async def test_a_backup_code_takes_it_back(world: World) -> None:
    """The page asks for an unused method; then changes are allowed, and a mail says so."""
    ann = await disputed(world)
    await ann.prove()
    assert not await allowed(ann)
    assert "It was me: allow changes again" in (await ann.page("/mfa")).text
    first = await ann.form("/mfa", UNDO)
    assert (first.status, first.location.split("#")[0]) == (303, "/mfa/challenge")
    codes = await ann.authenticator("backup-code")
    proven = await ann.form(f"/mfa/challenge/{codes}", {"code": ann.backup[0]})
    assert proven.status == 303, proven.text
    undone = await ann.form("/mfa", UNDO)
    assert (undone.status, undone.location.split("#")[0]) == (303, "/mfa")
    page = (await ann.page("/mfa")).text
    assert "You can make changes again." in page
    assert "It was me" not in page
    assert await allowed(ann)
    assert len(world.kinds("account.dispute_undone")) == 1
    again = await link(world, "can be changed again")
    await press(Browser(world), again)
    assert not await ann.is_in()


async def test_what_had_a_part_in_it_takes_nothing_back(world: World) -> None:
    """Neither the app that confirmed it, nor the added address, nor codes of the same day."""
    ann = await disputed(world)
    account = await world.account()
    assert [id for id, _ in account.undo_by] == [await ann.authenticator("backup-code")]
    for factor in ("totp", "email"):
        await ann.prove()
        if factor == "email":
            begun = (await ann.api("POST", "challenge", {"authenticator": await ann.authenticator("email")})).json()
            said = {"challenge": begun["challenge"], "response": world.email.codes[-1]}
            assert (await ann.api("POST", "verify", said)).status == 200
        await ann.form("/mfa", UNDO)
        assert not await allowed(ann)


async def test_a_first_set_up_is_not_taken_back(world: World) -> None:
    """A thief who set up the first method has its codes as well: the stop lasts its day."""
    ann = await world.enrolled()
    done = await press(Browser(world), await link(world))
    assert "Was it you after all?" not in done.text
    await ann.prove()
    assert "It was me" not in (await ann.page("/mfa")).text
    assert (await ann.form("/mfa", UNDO)).location.split("#")[0] == "/mfa"
    assert not (await world.account()).undo_by
    assert (await world.account()).frozen_until


async def test_a_second_dispute_leaves_what_had_no_part_in_either(world: World) -> None:
    """An earlier event of another day, for which the codes were used, takes them away."""
    ann = await world.enrolled()
    world.clock.advance(2 * DAY)
    codes = await ann.authenticator("backup-code")
    await ann.api("POST", "verify", {"authenticator": codes, "response": ann.backup[0]})
    await ann.enroll_email()
    used = await link(world, "method was added")
    world.clock.advance(3 * DAY)
    await ann.prove()
    await ann.api("DELETE", f"authenticators/{await ann.authenticator('email')}")
    removed = await link(world, "method was removed")
    for path, left in ((removed, (codes,)), (used, ())):
        await press(Browser(world), path)
        assert tuple(id for id, _ in (await world.account()).undo_by) == left
