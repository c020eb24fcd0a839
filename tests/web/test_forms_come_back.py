"""A form that comes back shows the text that was sent.

A page that is loaded again shows the same as before.
"""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from mfa_gate.core.rules import EnrollmentRules
from tests.harness import Browser, World, make_world

TICKED = re.compile(r'name="remember" value="yes"( checked)?')


async def new_browser(world: World, of: Browser) -> Browser:
    other = await world.browser(of.id, of.tenant, sid="another")
    other.secret = of.secret
    return other


def is_ticked(text: str) -> bool:
    """Return true if the box to remember this browser is ticked; it must be there."""
    found = TICKED.search(text)
    assert found is not None
    return bool(found[1])


def secret_of(text: str) -> str:
    """The key beside the picture, "" where there is none."""
    found = re.search(r'id="key" dir="ltr">([^<]+)<', text)
    return found[1].replace(" ", "") if found else ""


def enrollment_of(text: str) -> str:
    """The draft that a page's form is for."""
    found = re.search(r'name="enrollment" value="([^"]+)"', text)
    return found[1] if found else ""


# -- the box to remember this browser -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ticked", [True, False])
async def test_the_box_stays_as_it_was_sent(world: World, ticked: bool) -> None:
    """The box stays as the person left it, after a wrong code, an empty one and a reload.

    A right code later still uses the person's own choice. Requirements U-11, D-12.
    """
    ann = await world.enrolled()
    world.clock.advance(60)
    other = await new_browser(world, ann)
    place = f"/mfa/challenge/{await ann.authenticator('totp')}"
    assert is_ticked((await other.page(place)).text)
    chosen = {"remember": "yes"} if ticked else {}
    for code in (ann.wrong(), "", "12"):
        back = await other.form(place, {"asked": "1", "code": code, **chosen})
        assert back.status == 422
        assert is_ticked(back.text) is ticked
        assert is_ticked((await other.page(place)).text) is ticked
    done = await other.form(place, {"asked": "1", "code": ann.totp(), **chosen})
    assert done.status == 303
    assert await other.is_in()
    (kept,) = [v for k, v in done.headers if k == b"set-cookie" and v.startswith(other.handle.encode() + b"=")]
    assert (b"Max-Age" in kept) is ticked


async def test_the_choice_ends_with_the_challenge(world: World) -> None:
    """The next challenge asks afresh."""
    ann = await world.enrolled()
    world.clock.advance(60)
    other = await new_browser(world, ann)
    place = f"/mfa/challenge/{await ann.authenticator('totp')}"
    await other.form(place, {"asked": "1", "code": ann.wrong()})
    await other.form(place, {"asked": "1", "code": ann.totp()})
    assert await other.is_in()
    world.clock.advance(8 * 86_400)
    assert is_ticked((await other.page(place)).text)


async def test_asking_for_a_new_code_keeps_the_choice(world: World) -> None:
    """The button that sends another code belongs to the form with the box."""
    ann = await world.enrolled()
    await ann.enroll_email()
    other = await new_browser(world, ann)
    place = f"/mfa/challenge/{await ann.authenticator('email')}"
    world.clock.advance(60)
    assert (await other.form(place, {"action": "send"})).status == 303
    page = await other.page(place)
    assert 'form="answer" name="action" value="send"' in page.text
    assert is_ticked(page.text)
    world.clock.advance(60)
    await other.form(place, {"action": "send", "asked": "1", "code": ""})
    assert not is_ticked((await other.page(place)).text)


async def test_an_old_form_keeps_the_box_off(world: World) -> None:
    """A form whose token is too old comes back without the tick, if it was sent without.

    Of the values that were sent only this one counts: the browser is not to be remembered.
    """
    ann = await world.enrolled()
    other = await new_browser(world, ann)
    place = f"/mfa/challenge/{await ann.authenticator('totp')}"
    await other.page(place)
    back = await other.form(place, {"asked": "1", "code": ann.totp()}, token="old")
    assert back.status == 422
    assert not is_ticked(back.text)


# -- enrollment ---------------------------------------------------------------------------------------------------------


async def test_a_reload_shows_the_same_picture(world: World) -> None:
    """A reload shows the same picture for as long as the draft lives.

    Setting up leaves by 303 to its page. The page shows the same secret to the same browser.
    """
    ann = await world.browser()
    begun = await ann.form("/mfa/enroll/totp", {"action": "start"})
    assert (begun.status, begun.location.split("#")[0]) == (303, "/mfa/enroll/totp")
    secret = secret_of((await ann.page("/mfa/enroll/totp")).text)
    assert secret
    assert secret_of((await ann.page("/mfa/enroll/totp")).text) == secret
    await ann.form("/mfa/enroll/totp", {"action": "start"})
    page = await ann.page("/mfa/enroll/totp")
    assert secret_of(page.text) == secret
    ann.secret = secret
    wrong = await ann.form(
        "/mfa/enroll/totp", {"enrollment": enrollment_of(page.text), "code": ann.wrong(), "label": "Mine"}
    )
    assert wrong.status == 422
    assert secret_of(wrong.text) == secret
    assert 'value="Mine"' in wrong.text
    done = await ann.form("/mfa/enroll/totp", {"enrollment": enrollment_of(page.text), "code": ann.totp()})
    assert done.status == 303
    assert secret_of((await ann.page("/mfa/enroll/totp")).text) == ""


async def test_a_picture_is_shown_to_no_other_browser(world: World) -> None:
    """S-63: the secret of a draft is for the browser that began it, until it ends."""
    ann = await world.browser()
    await ann.form("/mfa/enroll/totp", {"action": "start"})
    secret = secret_of((await ann.page("/mfa/enroll/totp")).text)
    other = await world.browser("ann", sid="x")
    assert secret not in (await other.page("/mfa/enroll/totp")).text
    assert secret_of((await other.page("/mfa/enroll/totp")).text) == ""
    world.clock.advance(1800)
    assert secret_of((await ann.page("/mfa/enroll/totp")).text) == ""


async def test_a_proof_in_between_keeps_the_picture(world: World) -> None:
    """A proof in the middle of setting up keeps the picture that was scanned already."""
    ann = await world.enrolled()
    await ann.form("/mfa/enroll/totp", {"action": "start"})
    secret = secret_of((await ann.page("/mfa/enroll/totp")).text)
    assert secret
    world.clock.advance(400)
    assert (await ann.page("/mfa/enroll/totp")).location == "/mfa/challenge"
    await ann.prove()
    assert secret_of((await ann.page("/mfa/enroll/totp")).text) == secret


async def test_codes_of_a_replaced_picture_cost_nothing(world: World) -> None:
    """A code of a replaced picture costs nothing, and the answer names the picture to scan.

    The person has asked for a new picture and types a code of the first.
    """
    ann = await world.browser()
    await ann.form("/mfa/enroll/totp", {"action": "start"})
    first = await ann.page("/mfa/enroll/totp")
    assert 'href="/mfa/enroll/totp?again=1"' in first.text
    again = await ann.page("/mfa/enroll/totp?again=1")
    assert secret_of(again.text) == ""
    assert 'name="anew"' in again.text
    await ann.form("/mfa/enroll/totp", {"action": "start", "anew": "1"})
    second = await ann.page("/mfa/enroll/totp")
    assert secret_of(second.text) not in ("", secret_of(first.text))
    ann.secret = secret_of(first.text)
    for page in (first, second):
        for _ in range(4):
            told = await ann.form("/mfa/enroll/totp", {"enrollment": enrollment_of(page.text), "code": ann.totp()})
            assert told.status == 422
            assert "earlier set-up" in told.text
            assert secret_of(told.text) == secret_of(second.text)
    account = await world.account()
    assert (account.attempts.used, account.lock) == (0, None)
    ann.secret = secret_of(second.text)
    done = await ann.form("/mfa/enroll/totp", {"enrollment": enrollment_of(second.text), "code": ann.totp()})
    assert done.status == 303
    assert (await world.account()).replaced == ()


async def test_json_knows_a_replaced_draft_too(world: World) -> None:
    """The code of the draft before is free over JSON, and answered as `draft_replaced`.

    This holds for either enrollment.
    """
    ann = await world.browser()
    first = (await ann.api("POST", "enroll", {"factor": "totp"})).json()
    second = (await ann.api("POST", "enroll", {"factor": "totp"})).json()
    ann.secret = first["secret"]
    for begun in (first, second):
        told = await ann.api("POST", "enroll/confirm", {"enrollment": begun["enrollment"], "response": ann.totp()})
        assert (told.status, told.reason) == (422, "draft_replaced")
    assert (await world.account()).attempts.used == 0


async def test_the_code_of_an_earlier_message_is_free(world: World) -> None:
    """The code of an earlier message is no wrong guess.

    Two messages are on their way, for two drafts of one browser.
    """
    ann = await world.browser()
    await ann.form("/mfa/enroll/email", {"action": "start"})
    world.clock.advance(60)
    await ann.form("/mfa/enroll/email", {"action": "start"})
    page = await ann.page("/mfa/enroll/email")
    early, late = world.email.codes
    told = await ann.form("/mfa/enroll/email", {"enrollment": enrollment_of(page.text), "code": early})
    assert told.status == 422
    assert (await world.account()).attempts.used == 0
    done = await ann.form("/mfa/enroll/email", {"enrollment": enrollment_of(page.text), "code": late})
    assert done.status == 303


async def test_a_form_of_a_draft_that_ended_says_so(world: World) -> None:
    """Half an hour later the form leads to the beginning, with a word about why."""
    ann = await world.browser()
    await ann.form("/mfa/enroll/totp", {"action": "start"})
    page = await ann.page("/mfa/enroll/totp")
    world.clock.advance(1800)
    told = await ann.form("/mfa/enroll/totp", {"enrollment": enrollment_of(page.text), "code": "123456"})
    assert told.status == 303
    assert "That set-up has expired" in (await ann.page("/mfa/enroll/totp")).text


async def test_a_wrong_ticket_stays_in_its_field(world: World) -> None:
    """A typing error in a long ticket is mended, not typed anew."""
    rules = replace(world.engine.policy.base, enrollment=EnrollmentRules(first="ticket"))
    world.engine.use_policy(replace(world.engine.policy, base=rules, tenants={"alpha": rules}))
    ann = await world.browser()
    back = await ann.form("/mfa/enroll", {"action": "ticket", "ticket": "ABCDE-12345"})
    assert back.status == 422
    assert 'value="ABCDE-12345"' in back.text


@pytest.mark.parametrize("path", ["/mfa/enroll/", "/mfa/enroll"])
async def test_a_stale_form_comes_back_however_its_address_ends(path: str) -> None:
    """A slash at the end leads to the same page, for a form with an old token as well."""
    ann = await make_world().browser()
    await ann.page("/mfa/enroll")
    reply = await ann.form(path, {"action": "skip"}, token="0" * 64)
    assert reply.status == 422, reply.text
