"""The offer of a passkey after a code: on devices that can make one, once in a while."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.core.rules import DAY, Rules
from mfa_gate.errors import StoreContention
from tests.harness import Browser, Reply, World, make_world, running, with_rules


def with_passkeys(rules: Rules) -> Rules:
    """Allow passkeys beside the codes."""
    factors = replace(rules.factors, allowed=(*rules.factors.allowed, "webauthn"), order=())
    return replace(rules, factors=factors)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running(make_world(policy=with_rules(with_passkeys))) as made:
        yield made


async def owing(world: World, ann: Browser | None = None) -> Browser:
    """Let the proof of an enrolled person end, and ask for a page."""
    ann = ann or await world.enrolled()
    world.clock.advance(8 * DAY)
    asked = await ann.page("/records/7")
    assert asked.status == 303
    return ann


async def prove(ann: Browser, **more: str) -> Reply:
    """Answer the challenge by its form, with what the script adds (``more``)."""
    id = await ann.authenticator("totp")
    ann.world.clock.advance(30)
    return await ann.form(f"/mfa/challenge/{id}", {"code": ann.totp(), "remember": "1", **more})


async def test_the_offer(world: World) -> None:
    """After a code the offer comes, with a way on that leads to the wanted page."""
    ann = await owing(world)
    reply = await prove(ann, passkeys="1")
    assert (reply.status, reply.location) == (303, "/mfa/enroll/offer#")
    page = await ann.page("/mfa/enroll/offer")
    assert page.status == 200
    assert "Use your face or fingerprint next time?" in page.text
    assert 'data-passkey="create"' in page.text
    assert await ann.is_in()
    (event,) = world.kinds("enrollment.offered")
    assert (event.factor, event.detail["count"]) == ("webauthn", 1)
    assert re.search(r'<a [^>]*href="/records/7" data-onward>Not now</a>', page.text)


async def test_without_a_word_of_the_device_there_is_no_offer(world: World) -> None:
    """A browser without a script, or a device that makes no passkeys, is led on at once."""
    ann = await owing(world)
    reply = await prove(ann)
    assert (reply.status, reply.location) == (303, "/records/7#")
    assert world.kinds("enrollment.offered") == []


async def test_once_in_a_while(world: World) -> None:
    """The offer comes again after thirty days, three times in all."""
    ann, places = await world.enrolled(), []
    for _ in range(18):
        await owing(world, ann)
        places.append((await prove(ann, passkeys="1")).location)
    offers = [number for number, place in enumerate(places) if place == "/mfa/enroll/offer#"]
    assert offers == [0, 4, 8]
    assert (await world.account()).nudges == 3


async def test_the_page_leads_on_where_there_is_nothing_to_offer() -> None:
    """Without passkeys in the policy the address leads on; nobody reaches it unproven."""
    async with running(make_world()) as world:
        ann = await owing(world)
        unproven = await ann.page("/mfa/enroll/offer")
        assert unproven.location.startswith("/mfa/challenge")
        assert (await prove(ann, passkeys="1")).location == "/records/7#"
        assert (await ann.page("/mfa/enroll/offer")).location == "/"


async def test_an_offer_never_comes_in_the_way_of_a_step_up_that_is_owed(world: World) -> None:
    """An offer goes with a right answer only: a wrong code shows its page."""
    ann = await owing(world)
    id = await ann.authenticator("totp")
    reply = await ann.form(f"/mfa/challenge/{id}", {"code": ann.wrong(), "passkeys": "1"})
    assert reply.status == 422
    assert world.kinds("enrollment.offered") == []


async def test_an_offer_that_cannot_be_counted_costs_nobody_the_sign_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof is made, and the old handle is dead: the answer must bring the new one."""
    ann = await owing(world)

    async def fail(*_: object) -> bool:
        raise StoreContention("busy")

    with monkeypatch.context() as busy:
        busy.setattr("mfa_gate.service.adoption.Adoption._count", fail)
        reply = await prove(ann, passkeys="1")
    assert (reply.status, reply.location) == (303, "/records/7#")
    assert await ann.is_in()


def with_an_app(rules: Rules) -> Rules:
    """Offer an authenticator app after a code by mail."""
    rules = with_passkeys(rules)
    return replace(rules, enrollment=replace(rules.enrollment, nudge=replace(rules.enrollment.nudge, to="totp")))


async def proven_by_mail(ann: Browser, wanted: str = "/records/7") -> Reply:
    """Let the proof end, ask for a page, and answer the challenge by a code that was mailed."""
    ann.world.clock.advance(8 * DAY)
    await ann.page(wanted)
    place = f"/mfa/challenge/{await ann.authenticator('email')}"
    await ann.form(place, {"action": "send"})
    return await ann.form(place, {"code": ann.world.email.codes[-1]})


def link(page: Reply, words: str) -> str:
    """The address of the link with these words."""
    found: list[str] = re.findall(rf'<a [^>]*href="([^"]+)"[^>]*>{words}<', page.text)
    assert len(found) == 1
    return found[0]


async def by_mail(world: World) -> Browser:
    """A person who has a mail address alone."""
    ann = await world.browser()
    await ann.enroll_email()
    return ann


async def set_up(ann: Browser, place: str, code: Callable[[Reply], str]) -> Reply:
    """Begin the draft on the page at ``place``, and try it out there."""
    begun = await ann.form(place, {"action": "start"})
    assert begun.location == f"{place}#"
    draft = await ann.page(place)
    (id,) = set(re.findall(r'name="enrollment" value="([^"]+)"', draft.text))
    fields = {"enrollment": id, "code": code(draft), "action": "confirm"}
    done = await ann.form(place, fields)
    if "/enroll/done" in done.location:
        assert (await ann.form(place, fields)).location == done.location, "a copy of the form goes the same way"
    return done


def code_of_app(ann: Browser) -> Callable[[Reply], str]:
    """Read the key on the page, and make its code."""

    def code(draft: Reply) -> str:
        (key,) = re.findall(r'id="key"[^>]*>([A-Z2-7 ]+)<', draft.text)
        ann.secret = key.replace(" ", "")
        return ann.totp()

    return code


async def test_an_offered_app_leads_on_to_the_wanted_page() -> None:
    """The page of success leads on. No device needs to say that it makes passkeys."""
    async with running(make_world(policy=with_rules(with_an_app))) as world:
        ann = await by_mail(world)
        reply = await proven_by_mail(ann)
        assert (reply.status, reply.location) == (303, "/mfa/enroll/offer#")
        offer = await ann.page("/mfa/enroll/offer")
        place = link(offer, "Set it up")
        assert re.fullmatch(r"/mfa/~[^/]+/enroll/totp", place)
        choice = await ann.page(re.findall(r'class="back"><a href="([^"]+/enroll)"', (await ann.page(place)).text)[0])
        assert re.search(r'class="back"><a href="/mfa/~[^/]+/enroll/offer"', choice.text), "Back leads to the offer"
        done = await set_up(ann, place, code_of_app(ann))
        assert re.fullmatch(r"/mfa/~[^/]+/enroll/done#", done.location)
        page = await ann.page(done.location.removesuffix("#"))
        assert "You’re all set" in page.text
        assert re.search(r'href="/records/7" data-onward>Continue', page.text)
        assert (await ann.page("/mfa/enroll/offer")).location == "/records/7", "Back leads on as well"


async def test_a_new_contact_leads_on_to_the_wanted_page() -> None:
    """It takes the place of the old one, and the person goes on to the wanted page."""
    contacts = {"email": "ann@alpha.example"}

    async def contacts_of(subject: Subject) -> Contacts:
        return Contacts(name="Ann", **contacts)

    async with running(make_world(policy=with_rules(with_passkeys), contacts=contacts_of)) as world:
        ann = await by_mail(world)
        contacts["email"] = "new@alpha.example"
        assert (await proven_by_mail(ann)).location == "/mfa/enroll/offer#"
        place = link(await ann.page("/mfa/enroll/offer"), "Use the new contact")
        world.clock.advance(60)
        done = await set_up(ann, place, lambda _: world.email.codes[-1])
        assert re.fullmatch(r"/mfa/~[^/]+/enroll/done#", done.location)
        assert 'href="/records/7" data-onward' in (await ann.page(done.location.removesuffix("#"))).text


async def test_an_offer_without_a_wanted_page_leads_to_the_app() -> None:
    """Somebody who came to the challenge by its address has an empty note."""
    async with running(make_world(policy=with_rules(with_an_app))) as world:
        ann = await by_mail(world)
        await proven_by_mail(ann, "/mfa/challenge")
        place = link(await ann.page("/mfa/enroll/offer"), "Set it up")
        done = await set_up(ann, place, code_of_app(ann))
        page = await ann.page(done.location.removesuffix("#"))
        assert re.search(r'href="/" data-onward>Continue', page.text)


async def test_the_cookie_never_says_that_there_was_an_offer() -> None:
    """Only the address says so: another method that is added later ends in the settings."""
    async with running(make_world(policy=with_rules(with_an_app))) as world:
        ann = await by_mail(world)
        await proven_by_mail(ann)
        place = link(await ann.page("/mfa/enroll/offer"), "Set it up")
        for kept in ("/records/7", ""):
            (name,) = (name for name in ann.cookies if name.endswith("-to"))
            note = urlsafe_b64decode(ann.cookies[name].partition(".")[0])
            assert b'"o"' not in note
            assert kept.encode() in note
            del ann.cookies[name]
            await ann.page(place)
        done = await set_up(ann, "/mfa/enroll/totp", code_of_app(ann))
        assert done.location == "/mfa#"


async def test_a_note_with_a_member_that_nobody_knows(world: World) -> None:
    """Workers of another version write members of their own: they change nothing."""
    ann = await world.enrolled()
    await owing(world, ann)
    cookies = world.gate.web.router.site.cookies
    sealed = cookies.seal_note((await world.account()).key, {"to": "/records/7", "z": [1], "o": "totp"})
    reply = await ann.form(f"/mfa/~{sealed}/challenge/{await ann.authenticator('totp')}", {"code": ann.totp()})
    assert reply.location == "/records/7#"


async def test_the_way_is_forgotten_at_its_end() -> None:
    """The note of the cookie and that of the address are one way, offer or not."""
    async with running(make_world(policy=with_rules(with_an_app))) as world:
        ann = await by_mail(world)
        await proven_by_mail(ann)
        offer = await ann.page("/mfa/enroll/offer")
        assert [name for name in ann.cookies if name.endswith("-to")]
        challenge = link(offer, "Set it up").replace("/enroll/totp", "/challenge")
        assert (await ann.page(challenge)).location == "/records/7"
        assert not [name for name in ann.cookies if name.endswith("-to")]
