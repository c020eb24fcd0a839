"""Two tabs on their way at once: each goes back to its own page."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import PathRule, StepUpRule
from tests.harness import FORM, ORIGIN, PAGE, Browser, Reply, World, make_world, running, with_rules

SENT = (*PAGE, ("origin", ORIGIN), FORM)


async def owing(world: World) -> Browser:
    """A browser whose proof has ended."""
    ann = await world.enrolled()
    world.clock.advance(8 * 86_400)
    return ann


async def opened(browser: Browser, path: str, at: str = "/mfa/challenge") -> Reply:
    """Load a page of the app in a new tab, and return the page of ours to which it leads."""
    reply = await browser.page(path)
    assert (reply.status, reply.location) == (303, at)
    shown = await browser.page(at)
    assert shown.status == 200
    return shown


def fields_of(shown: Reply) -> dict[str, str]:
    """Return the hidden fields of a page's first form of ours."""
    form = next(text for text in re.findall(r"<form.*?</form>", shown.text, re.DOTALL) if "csrf_token" in text)
    return dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))


async def sent(browser: Browser, shown: Reply, path: str, **more: str) -> Reply:
    """Send the form of a page, as a browser does: with all of its hidden fields."""
    return await browser.ask("POST", path, headers=SENT, body=urlencode({**fields_of(shown), **more}).encode())


async def confirmed(browser: Browser, shown: Reply, path: str = "") -> Reply:
    """Type the code on a page of the challenge."""
    id = await browser.authenticator("totp")
    return await sent(browser, shown, path or f"/mfa/challenge/{id}", code=browser.totp())


@pytest.mark.parametrize("first", ["/one?x=1", "/two"])
async def test_each_tab_goes_back_to_its_own_page(world: World, first: str) -> None:
    """The tab that confirms first, and the other one on its next action."""
    ann = await owing(world)
    tabs = {path: await opened(ann, path) for path in ("/one?x=1", "/two")}
    done = await confirmed(ann, tabs.pop(first))
    assert (done.status, done.location) == (303, f"{first}#")
    ((other, shown),) = tabs.items()
    world.clock.advance(60)
    done = await confirmed(ann, shown)
    assert (done.status, done.location) == (303, f"{other}#")


async def test_a_third_tab(world: World) -> None:
    """There is no end to it."""
    ann = await owing(world)
    tabs = {path: await opened(ann, path) for path in ("/one", "/two", "/three")}
    for path, shown in tabs.items():
        assert (await confirmed(ann, shown)).location == f"{path}#"


async def test_one_tab_has_plain_addresses(world: World) -> None:
    """No address changes if the cookie has the same note."""
    ann = await owing(world)
    shown = await opened(ann, "/one")
    wrong = await sent(ann, shown, f"/mfa/challenge/{await ann.authenticator('totp')}", code=ann.wrong())
    assert wrong.status == 422
    assert "/mfa/~" not in wrong.text
    assert (await confirmed(ann, wrong)).location == "/one#"


async def test_a_form_without_the_note_goes_by_the_newest_page(world: World) -> None:
    """A client that sends only the contract's fields is led to its latest page."""
    ann = await owing(world)
    await opened(ann, "/one")
    await opened(ann, "/two")
    done = await ann.form(f"/mfa/challenge/{await ann.authenticator('totp')}", {"code": ann.totp()})
    assert done.location == "/two#"


async def test_a_tab_keeps_its_way_after_a_wrong_code(world: World) -> None:
    """From its first form on, the address carries the note for reload and links."""
    ann = await owing(world)
    first = await opened(ann, "/one")
    await opened(ann, "/two")
    id = await ann.authenticator("totp")
    wrong = await sent(ann, first, f"/mfa/challenge/{id}", code=ann.wrong())
    assert wrong.status == 422
    action = next(text for text in re.findall(r'action="(/mfa/~[^"#]+)', wrong.text))
    assert 'name="note"' not in wrong.text
    german = await ann.page(f"{action}?lang=de")
    assert german.location == action
    (kept,) = (value for name, value in german.headers if name == b"set-cookie" and not value.startswith(b"session="))
    assert b"; HttpOnly" in kept, "S-24: no script reads it"
    again = await ann.page(action)
    assert 'lang="de"' in again.text
    assert (await confirmed(ann, again, action)).location == "/one#"


async def test_each_tab_is_judged_by_its_own_demand() -> None:
    """A younger proof that one page asks for is not asked for the other one."""
    rule = StepUpRule(name="files", paths=(PathRule(text="/files/**"),), max_age=Seconds(300))
    async with running(make_world(policy=with_rules(lambda rules: replace(rules, step_up=(rule,))))) as world:
        ann = await owing(world)
        strict, usual = await opened(ann, "/files/7"), await opened(ann, "/one")
        assert (await confirmed(ann, usual)).location == "/one#"
        world.clock.advance(400)
        asked = await confirmed(ann, strict)
        assert asked.status == 422
        action = next(text for text in re.findall(r'action="(/mfa/~[^"#]+)', asked.text))
        assert (await confirmed(ann, asked, action)).location == "/files/7#"
        world.clock.advance(400)
        assert (await confirmed(ann, usual)).location == "/one#"


async def test_a_first_enrollment(world: World) -> None:
    """The walk of the first tab ends at its page, by addresses of its own."""
    ann = await world.browser()
    await opened(ann, "/one", "/mfa/enroll")
    choice = await ann.page("/mfa/enroll/totp")
    await opened(ann, "/two", "/mfa/enroll")
    begun = await sent(ann, choice, "/mfa/enroll/totp")
    assert begun.location.startswith("/mfa/~")
    place = begun.location.removesuffix("#")
    draft = await ann.page(place)
    secret = re.search(r'id="key"[^>]*>([A-Z2-7 ]+)<', draft.text)
    assert secret is not None, draft.text
    ann.secret = secret[1].replace(" ", "")
    done = await sent(ann, draft, place, code=ann.totp())
    assert done.location.startswith("/mfa/~")
    codes = await ann.page(done.location.split("#")[0])
    end = await sent(ann, codes, done.location.split("#")[0], action="saved", saved="1")
    assert end.location == "/one#"


async def test_a_note_of_another_person_or_of_nobody_counts_for_nothing(world: World) -> None:
    """Only what we sealed for this very person leads anywhere."""
    bob = await world.enrolled("bob")
    ann = await owing(world)
    theirs = await opened(bob, "/theirs")
    mine = await opened(ann, "/one")
    for note in (fields_of(theirs)["note"], "x", "", "é"):
        world.clock.advance(8 * 86_400)
        mine = await opened(ann, "/one")
        done = await sent(ann, mine, f"/mfa/challenge/{await ann.authenticator('totp')}", code=ann.totp(), note=note)
        assert done.location == "/one#"


async def test_a_cookie_that_has_expired(world: World) -> None:
    """The form knows the way by itself."""
    ann = await owing(world)
    shown = await opened(ann, "/one")
    for name in [name for name in ann.cookies if name.endswith("-to")]:
        del ann.cookies[name]
    assert (await confirmed(ann, shown)).location == "/one#"


async def test_a_tab_of_an_earlier_sign_in(world: World) -> None:
    """After a sign-out, the form of somebody else in this browser leads nobody to the page."""
    ann = await owing(world)
    shown = await opened(ann, "/one")
    bob = await world.enrolled("bob", cookies={})
    world.clock.advance(8 * 86_400)
    bob.cookies.update({name: value for name, value in ann.cookies.items() if name.endswith("-to")})
    await opened(bob, "/two")
    token = fields_of(await bob.page("/mfa/challenge"))["csrf_token"]
    note = fields_of(shown)["note"]
    id = await bob.authenticator("totp")
    done = await sent(bob, shown, f"/mfa/challenge/{id}", code=bob.totp(), csrf_token=token, note=note)
    assert done.location == "/two#"


async def test_a_stale_form_leads_on_as_well(world: World) -> None:
    """A form whose token has ended shows its page again, and the page knows the way."""
    ann = await owing(world)
    first = await opened(ann, "/one")
    await opened(ann, "/two")
    id = await ann.authenticator("totp")
    shown = await sent(ann, first, f"/mfa/challenge/{id}", code=ann.totp(), csrf_token="x")
    assert shown.status == 422
    action = next(text for text in re.findall(r'action="(/mfa/~[^"#]+)', shown.text))
    assert (await confirmed(ann, shown, action)).location == "/one#"


async def test_a_tab_whose_proof_another_one_has_made_keeps_its_fragment(world: World) -> None:
    """The script's fragment of the wanted page is kept for the form that is stale by then."""
    ann = await owing(world)
    first = await opened(ann, "/one")
    second = await opened(ann, "/two")
    await confirmed(ann, first)
    id = await ann.authenticator("totp")
    done = await sent(ann, second, f"/mfa/challenge/{id}", code=ann.totp(), fragment="/inbox/7")
    assert done.location == "/two#/inbox/7"


async def test_a_form_that_was_stopped_in_one_of_them() -> None:
    """The tab with the form finds it, and the other tab hears nothing of it."""
    async with running(make_world(keep_forms=True)) as world:
        ann = await owing(world)
        referer = ("referer", f"{ORIGIN}/records")
        stopped = await ann.ask("POST", "/records", headers=[*SENT, referer], body=b"text=mine")
        form = await ann.page(stopped.location)
        other = await opened(ann, "/two")
        assert "hasn’t been sent yet" in form.text
        assert "hasn’t been sent yet" not in other.text
        assert (await confirmed(ann, other)).location == "/two#"
        id = await ann.authenticator("totp")
        done = await sent(ann, form, f"/mfa/challenge/{id}", code=ann.totp())
        back = await ann.page(done.location.split("#")[0])
        assert 'name="text" value="mine"' in back.text
        assert await ann.is_in()
