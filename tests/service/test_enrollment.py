"""An enrollment under way: codes for its draft go out only while it is allowed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pyotp
import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.core.changes.base import TWIN_LIFE
from mfa_gate.core.changes.proof import Forwarded
from mfa_gate.core.entropy import handle_digest
from mfa_gate.core.model import Lock, SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.errors import StoreUnavailable
from mfa_gate.service import Enrolled, Issued
from tests.attacks.test_blame import caller_of
from tests.harness import POLICY, RULES, START, Browser, World, make_world, running

MAIL = {"ann": "ann@alpha.example"}


async def contacts(subject: Subject) -> Contacts:
    """Tell the address on file."""
    return Contacts(email=MAIL.get(subject.id, ""), phone="+1 202-555-0123")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Ann has an app."""
    MAIL["ann"] = "ann@alpha.example"
    async with running(make_world(contacts=contacts)) as made:
        yield made


async def begun(world: World, factor: str = "sms") -> tuple[Browser, str]:
    """Begin to enroll, with a first code on its way since a minute."""
    ann = await world.enrolled()
    more = {"phone": "+12025550142"} if factor == "sms" else {}
    draft = (await ann.api("POST", "enroll", {"factor": factor, **more})).json()["enrollment"]
    world.clock.advance(60)
    return ann, draft


async def sent(world: World, browser: Browser, draft: str) -> Any:
    """Ask for another code."""
    return await world.gate.service.enrollments.send(caller_of(browser), draft)


async def test_another_code_for_a_draft(world: World) -> None:
    """While the enrollment is allowed, the number that was typed gets another code."""
    ann, draft = await begun(world)
    assert isinstance(await sent(world, ann, draft), Issued)
    assert len(world.sms.codes) == 2
    assert len({message.to for message in world.sms.messages}) == 1


@pytest.mark.parametrize(
    ("happened", "reason"),
    [
        ("nothing of this name", "not_found"),
        ("too late", "not_found"),
        ("old proof", "proof_required"),
        ("frozen", "frozen"),
        ("locked", "locked"),
        ("not allowed any more", "not_enrollable"),
    ],
)
async def test_no_code_for_a_draft_that_is_over(world: World, happened: str, reason: str) -> None:
    """No code goes out, and nothing is written."""
    ann, draft = await begun(world)
    account = await world.account()
    if happened == "nothing of this name":
        draft = "none"
    elif happened in ("too late", "old proof"):
        world.clock.advance(1800 if happened == "too late" else 240)
    elif happened == "not allowed any more":
        without = replace(RULES, factors=replace(RULES.factors, allowed=("totp", "backup-code"), order=("totp",)))
        world.engine.policy = replace(world.engine.policy, tenants={"alpha": without})
    else:
        lock = Lock(at=START, cause="administrator", ref="LOCK000001", actor="mary")
        changed = replace(account, frozen_until=START + DAY) if happened == "frozen" else replace(account, lock=lock)
        assert await world.store.swap(changed)
    before = await world.account()
    refused = await sent(world, ann, draft)
    assert isinstance(refused, Refusal)
    assert refused.reason == reason
    assert len(world.sms.codes) == 1
    assert await world.account() == before


DAY = 86_400


async def test_no_code_to_an_address_that_has_moved(world: World) -> None:
    """A draft for the address of before gets no code once the host has another."""
    ann, draft = await begun(world, "email")
    MAIL["ann"] = "new@alpha.example"
    refused = await sent(world, ann, draft)
    assert isinstance(refused, Refusal)
    assert refused.reason == "contact_changed"
    assert [message.to for message in world.email.messages if message.code] == ["ann@alpha.example"]


@pytest.mark.parametrize("again", [False, True])
async def test_a_draft_goes_on(world: World, again: bool) -> None:
    """The same wish goes on with the draft and its secret; ``anew`` makes another."""
    new = await world.browser("new")
    first = (await new.api("POST", "enroll", {"factor": "totp"})).json()
    service, caller = world.gate.service.enrollments, caller_of(new)
    found: Any = await service.begin(caller, factor="totp", anew=again)
    assert (found.enrollment.id == first["enrollment"]) != again
    assert (found.shown["secret"] == first["secret"]) != again
    assert len((await world.account("new")).enrollments) == 1


@pytest.mark.parametrize(
    ("kind", "mail", "reason"),
    [("email", "", "no_contact"), ("fax", "x@y.example", "no_contact"), ("sms", "x@y.example", "phone_invalid")],
)
async def test_a_contact_that_cannot_be_proven(kind: str, mail: str, reason: str) -> None:
    """No contact on file, no such kind, or a number that is none: nothing is sent."""

    async def odd(subject: Subject) -> Contacts:
        return Contacts(email=mail, phone="twelve")

    contact = replace(RULES, enrollment=replace(RULES.enrollment, first="contact"))
    policy = replace(POLICY, tenants={"alpha": contact})
    async with running(make_world(contacts=odd, policy=policy)) as world:
        new = await world.browser("new")
        await new.page("/mfa/enroll")
        refused: Any = await world.gate.service.leave.send_contact(caller_of(new), kind)
        assert (type(refused), refused.reason) == (Refusal, reason)
        assert world.email.messages == world.sms.messages == []


async def begin(world: World, browser: Browser, factor: str = "totp", **more: Any) -> Any:
    """Begin a draft at the service."""
    return await world.gate.service.enrollments.begin(caller_of(browser), factor=factor, **more)


async def confirm(world: World, browser: Browser, draft: str, response: object, **more: Any) -> Any:
    """Confirm a draft at the service."""
    caller = caller_of(browser)
    return await world.gate.service.enrollments.confirm(
        caller, handle="cookie", enrollment=draft, response=response, **more
    )


def code(world: World, secret: str, steps: int = 0) -> str:
    """Return the code of a secret at a step from now."""
    return pyotp.TOTP(secret).at(int(world.clock.at) + 30 * steps)


async def with_draft(world: World, id: str = "new", factor: str = "totp") -> tuple[Browser, Any]:
    """Somebody who has begun to enroll in a browser that is known by its cookie."""
    new = await world.browser(id)
    await new.api("POST", "enroll", {"factor": factor})
    return new, await begin(world, new, factor, anew=False)


async def test_a_confirmation(world: World) -> None:
    """It gives a handle, a proof, the first backup codes and the chosen label."""
    new, draft = await with_draft(world)
    done = await confirm(world, new, draft.enrollment.id, code(world, draft.shown["secret"]), label="My phone")
    assert isinstance(done, Enrolled)
    account = await world.account("new")
    assert (done.authenticator.label, done.authenticator.factor, done.again) == ("My phone", "totp", False)
    assert done.granted is not None
    assert len(done.backup_codes) == 10
    assert account.browsers[0].handle == handle_digest(done.handle)
    assert account.enrollments == ()
    (told,) = world.kinds("factor.enrolled")
    assert told.factor == "totp"
    (codes,) = world.kinds("backup_codes.made") + world.kinds("backup_codes.renewed")
    assert codes.detail["told_by"] == "factor.enrolled"


@pytest.mark.parametrize("written", [False, True])
async def test_a_store_that_fails_before_the_codes_are_told(
    world: World, written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second copy of the confirmation gets the backup codes, however far the first came."""
    new, draft = await with_draft(world)
    service, right = world.gate.service, code(world, draft.shown["secret"])
    named = {"handle": "cookie", "enrollment": draft.enrollment.id, "response": right}
    first_set = service.backup.first_set

    async def fails(*args: Any) -> tuple[str, ...]:
        if written:
            await first_set(*args)
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(service.backup, "first_set", fails)
        with pytest.raises(StoreUnavailable):
            await service.enrollments.confirm(caller_of(new), **named)
    again = await service.enrollments.confirm(caller_of(new), **named)
    assert isinstance(again, Enrolled)
    assert (again.again, len(again.backup_codes)) == (True, 10)
    more = await service.enrollments.confirm(caller_of(new), **named)
    assert isinstance(more, Enrolled)
    assert more.backup_codes == again.backup_codes
    assert len(world.kinds("backup_codes.made")) == 1


async def test_a_second_factor_makes_no_second_set_of_codes(world: World) -> None:
    """The codes at hand stay good."""
    ann = await world.enrolled()
    before = await ann.authenticator("backup-code")
    draft = await begin(world, ann, "email")
    done = await confirm(world, ann, draft.enrollment.id, world.email.codes[-1])
    assert isinstance(done, Enrolled)
    assert done.backup_codes == ()
    assert await ann.authenticator("backup-code") == before


async def test_copies_of_a_confirmation(world: World) -> None:
    """The same answer for the same draft gets the same result, ten times in a minute.

    Nothing is enrolled twice.
    """
    new, draft = await with_draft(world)
    caller, right = caller_of(new), code(world, draft.shown["secret"])
    service = world.gate.service.enrollments
    named = {"handle": "cookie", "enrollment": draft.enrollment.id}
    first = await service.confirm(caller, response=right, **named)
    assert isinstance(first, Enrolled)
    wrong = await service.confirm(caller, response="000000", **named)
    assert isinstance(wrong, Refusal)
    assert wrong.reason == "not_found"
    for _ in range(9):
        again: Any = await service.confirm(caller, response=right, **named)
        assert isinstance(again, Enrolled)
        assert (again.again, again.granted, again.backup_codes) == (True, None, first.backup_codes)
        assert (again.handle, again.authenticator.id) == (first.handle, first.authenticator.id)
    refused = await service.confirm(caller, response=right, **named)
    assert isinstance(refused, Refusal)
    assert refused.reason == "not_found"
    assert len([a for a in (await world.account("new")).authenticators if a.factor == "totp"]) == 1
    assert (await world.account("new")).attempts.used == 0


@pytest.mark.parametrize("ago", [-1, 0])
async def test_a_copy_that_comes_late(world: World, ago: int) -> None:
    """A copy counts for a moment; behind it, the draft is not known any more."""
    new, draft = await with_draft(world)
    caller, right = caller_of(new), code(world, draft.shown["secret"])
    service = world.gate.service.enrollments
    named = {"handle": "cookie", "enrollment": draft.enrollment.id, "response": right}
    assert isinstance(await service.confirm(caller, **named), Enrolled)
    world.clock.advance(TWIN_LIFE + ago)
    assert isinstance(await service.confirm(caller, **named), Enrolled) == (ago < 0)


async def test_the_code_of_an_earlier_picture(world: World) -> None:
    """It costs no attempt and says which picture to scan; a wrong code costs one."""
    new, draft = await with_draft(world)
    second = await begin(world, new)
    refused = await confirm(world, new, second.enrollment.id, code(world, draft.shown["secret"]))
    assert (refused.reason, (await world.account("new")).attempts.used) == ("draft_replaced", 0)
    refused = await confirm(world, new, second.enrollment.id, code(world, draft.shown["secret"], -4))
    assert (refused.reason, (await world.account("new")).attempts.used) == ("draft_replaced", 0)
    refused = await confirm(world, new, draft.enrollment.id, code(world, draft.shown["secret"]))
    assert refused.reason == "draft_replaced"
    refused = await confirm(world, new, "none", code(world, draft.shown["secret"]))
    assert refused.reason == "not_found"
    refused = await confirm(world, new, second.enrollment.id, "what is it")
    assert refused == Refusal(reason="malformed", member="response")
    refused = await confirm(world, new, second.enrollment.id, new.wrong())
    assert (refused.reason, (await world.account("new")).attempts.used) == ("wrong_code", 1)


async def test_a_name_that_another_account_has(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The response was right, so it is no guess; nothing is enrolled."""
    new, draft = await with_draft(world)
    factor = type(world.engine.factors["totp"])
    verify = factor.verify

    def claims(*given: Any, **named: Any) -> Any:
        return replace(verify(*given, **named), claim="passkey:1")  # type: ignore[arg-type]

    monkeypatch.setattr(factor, "verify", claims)
    assert await world.store.claim("passkey:1", SubjectKey("alpha", "other"))
    refused = await confirm(world, new, draft.enrollment.id, code(world, draft.shown["secret"]))
    account = await world.account("new")
    assert (refused.reason, account.attempts.used, account.authenticators) == ("already_enrolled", 0, ())


@pytest.mark.parametrize(("wait", "same"), [(29, True), (30, False)])
async def test_a_code_that_went_out_a_moment_ago_is_waited_for(world: World, wait: int, same: bool) -> None:
    """A reload goes on with the draft while its code may arrive.

    Later it sends another one.
    """
    MAIL["new"] = "new@alpha.example"
    new, draft = await with_draft(world, factor="email")
    sent = len(world.email.codes)
    world.clock.advance(wait)
    again = await begin(world, new, "email", anew=False)
    assert (again.enrollment.id == draft.enrollment.id) == same
    assert len(world.email.codes) == sent + (not same)


@pytest.mark.parametrize(("has_one", "unasked"), [(True, True), (False, False)])
async def test_only_a_second_factor_is_made_without_a_press(
    world: World, has_one: bool, unasked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A press is left out only if it was wanted, and there is a factor already."""
    browser = await world.enrolled() if has_one else (await with_draft(world))[0]
    seen, factor = list[bool](), type(world.engine.factors["totp"])
    draft = factor.draft

    def looks(self: Any, context: Any, **named: Any) -> Any:
        seen.append(context.unasked)
        return draft(self, context, **named)

    monkeypatch.setattr(factor, "draft", looks)
    await begin(world, browser, unasked=True)
    await begin(world, browser)
    assert seen == [unasked, False]


async def test_a_draft_is_found_by_its_factor_or_its_id(world: World) -> None:
    """Of several drafts of a browser the named one goes on.

    Those of other browsers are not found.
    """
    ann = await world.enrolled()
    drafts = {}
    for factor in ("email", "sms"):
        world.clock.advance(30)
        drafts[factor] = await begin(world, ann, factor, **({"phone": "+12025550142"} if factor == "sms" else {}))
    pending, caller = world.gate.service.enrollments.pending, caller_of(ann)
    for factor, draft in drafts.items():
        for found in (await pending(caller, factor=factor), await pending(caller, draft.enrollment.id)):
            assert found is not None
            assert (found.enrollment.id, found.enrollment.factor) == (draft.enrollment.id, factor)
    assert await pending(caller, factor="totp") is None
    assert await pending(caller, "none") is None
    assert await pending(replace(caller, handle="other"), factor="sms") is None
    world.clock.at = drafts["sms"].enrollment.expires_at - 1
    assert await pending(caller, factor="sms") is not None
    world.clock.advance(1)
    assert await pending(caller, factor="sms") is None


@pytest.mark.parametrize(
    ("label", "shown"), [("", "From the key"), ("My own", "My own")], ids=["none chosen", "chosen"]
)
async def test_the_name_of_a_new_authenticator(
    world: World, label: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name that the device tells stands only if the person chose none."""
    factor = type(world.engine.factors["totp"])
    verify = factor.verify

    def names(*given: Any, **named: Any) -> Any:
        return replace(verify(*given, **named), label="From the key")  # type: ignore[arg-type]

    monkeypatch.setattr(factor, "verify", names)
    new, draft = await with_draft(world)
    done = await confirm(world, new, draft.enrollment.id, code(world, draft.shown["secret"]), label=label)
    assert done.authenticator.label == shown
    other = await world.browser("other")
    await other.api("POST", "enroll", {"factor": "totp"})
    named = await begin(world, other, label="Chosen before")
    done = await confirm(world, other, named.enrollment.id, code(world, named.shown["secret"]), label=label)
    assert done.authenticator.label == (label or "Chosen before")


async def test_a_copy_of_a_confirmation_whose_authenticator_is_gone(world: World) -> None:
    """The copy is told nothing of it."""
    ann = await world.enrolled()
    browser = (await world.account()).browsers[0]
    assert browser.twin is not None
    again = world.gate.service.enrollments._again
    twin = Forwarded(twin=browser.twin, browser=browser)
    done = await again(caller_of(ann), "new", twin)
    assert isinstance(done, Enrolled)
    assert (done.again, done.granted, done.handle, done.authenticator.id) == (True, None, "new", browser.last_factor)
    gone = Forwarded(twin=browser.twin, browser=replace(browser, last_factor="gone"))
    assert await again(caller_of(ann), "new", gone) == Refusal(reason="not_found")
