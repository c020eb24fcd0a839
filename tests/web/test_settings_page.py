"""One's own page: a check-up line, browsers that can be told apart, and ways to end them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.harness import FETCH, Browser, World, make_world, running


@pytest.fixture
async def world() -> Any:
    async with running(make_world()) as made:
        yield made


async def elsewhere(world: World, ann: Browser, count: int) -> list[Browser]:
    """Let the same person confirm in further browsers."""
    others = []
    for number in range(count):
        world.clock.advance(60)
        other = await world.browser(ann.id, ann.tenant, sid=f"s{number}")
        other.secret = ann.secret
        await other.prove(ann.secret)
        others.append(other)
    return others


async def test_the_check_up(world: World) -> None:
    """The first line says that all is well, or names the one thing to do."""
    ann = await world.enrolled()
    text = (await ann.page("/mfa")).text
    assert "Good: you have 1 sign-in method and 10 backup codes." in text
    await ann.enroll_email()
    assert "Good: you have 2 sign-in methods and 10 backup codes." in (await ann.page("/mfa")).text
    for code in ann.backup[:7]:
        await ann.api("POST", "verify", {"authenticator": await ann.authenticator("backup-code"), "response": code})
    text = (await ann.page("/mfa")).text
    assert "One thing to do: make a new set of backup codes." in text
    assert "Good:" not in text


async def test_browsers_are_folded_after_three(world: World) -> None:
    """This browser comes first; the rest is behind a fold; each was first seen on a day."""
    ann = await world.enrolled()
    await elsewhere(world, ann, 4)
    text = (await ann.page("/mfa")).text
    shown = text.split('id="browsers-title"')[1].split("</section>")[0]
    assert shown.split("<details")[0].count('class="thing"') == 3
    assert shown.index("This browser") < shown.index("First seen")
    assert "Show 2 more" in shown
    assert shown.count("First seen ") == 5


async def test_all_others_are_removed(world: World) -> None:
    """All other browsers are asked again, this one is not, and each removal is in the trail."""
    ann = await world.enrolled()
    others = await elsewhere(world, ann, 2)
    done = await ann.form("/mfa", {"action": "forget-others"})
    assert (done.status, done.location.split("#")[0]) == (303, "/mfa")
    assert "2 other browsers were removed." in (await ann.page("/mfa")).text
    assert await ann.is_in()
    assert [await other.is_in() for other in others] == [False, False]
    assert len([event for event in world.events if event.kind == "browser.forgotten"]) == 2


async def test_signing_out_everywhere(world: World) -> None:
    """Every browser is asked again, this one too; the old cookies open nothing."""
    ann = await world.enrolled()
    others = await elsewhere(world, ann, 2)
    kept = dict(ann.cookies)
    done = await ann.form("/mfa", {"action": "everywhere"})
    assert (done.status, done.location) == (303, "/#"), "a success ends in a fragment of its own"
    ann.cookies = kept
    assert [await one.is_in() for one in (ann, *others)] == [False, False, False]
    assert [event.kind for event in world.events].count("proofs.revoked") == 1


async def test_they_need_a_proof(world: World) -> None:
    """A browser that owes the proof ends nobody's browsers."""
    ann = await world.enrolled()
    thief = await world.browser(ann.id, ann.tenant, sid="thief")
    token = await thief.token("/mfa/challenge")
    for action in ("forget-others", "everywhere"):
        assert (await thief.form("/mfa", {"action": action}, token=token)).location.startswith("/mfa/challenge")
    assert await ann.is_in()


async def test_a_line_of_the_activity_is_disputed(world: World) -> None:
    """Each line has its own "This was not me", and the trail names the event that was meant."""
    ann = await world.enrolled()
    text = (await ann.page("/mfa")).text
    refs = re.findall(r'name="about" value="([^"]+)"', text)
    assert len(refs) == text.count("This was not me") > 1
    await ann.form("/mfa", {"action": "dispute", "about": refs[-1]})
    (said,) = [event for event in world.events if event.kind == "account.disputed"]
    assert said.detail["about"] == refs[-1]


async def test_a_foreign_reference_is_no_event(world: World) -> None:
    """A reference that is not in the person's own list disputes no certain event."""
    ann = await world.enrolled()
    await ann.form("/mfa", {"action": "dispute", "about": "somebody-elses"})
    (said,) = [event for event in world.events if event.kind == "account.disputed"]
    assert said.detail["about"] == ""


async def test_a_browser_that_is_not_remembered_says_so(world: World) -> None:
    """Its proof ends with the sign-in, so no date is told."""
    ann = await world.enrolled()
    world.clock.advance(60)
    other = await world.browser(ann.id, ann.tenant, sid="office")
    other.secret = ann.secret
    place = f"/mfa/challenge/{await ann.authenticator('totp')}"
    await other.form(place, {"asked": "1", "code": other.totp()})
    assert (await other.ask("GET", "/records", headers=FETCH)).status == 200
    shown = (await other.page("/mfa")).text.split('id="browsers-title"')[1].split("</section>")[0]
    mine = shown.split("</li>")[0]
    assert "Until you sign out or close it" in mine
    assert "Remembered until" not in mine
