"""A fault of ours never costs an attempt: keys, clocks, stores, libraries.

Each refusal that costs nothing is bounded (D-41).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate import SettingsError
from mfa_gate.core.changes import Change
from mfa_gate.core.changes.admin import give_ticket, unlock
from mfa_gate.core.changes.after_restore import after_restore
from mfa_gate.core.changes.charge import UNCOUNTED_PER_HOUR
from mfa_gate.core.events import Event
from mfa_gate.core.model import Account, Fields, SubjectKey
from mfa_gate.core.rules import EnrollmentRules
from mfa_gate.errors import StoreUnavailable
from mfa_gate.factors import Registry
from mfa_gate.keyring import Keyring
from mfa_gate.stores.memory import MemoryStore
from tests.harness import Browser, World, key, make_world, running

DAY = 86_400


async def used(world: World, id: str = "ann") -> int:
    """The attempts that are taken."""
    return (await world.account(id)).attempts.used


async def verify(browser: Browser, code: object, factor: str = "totp") -> Any:
    id = await browser.authenticator(factor)
    return await browser.api("POST", "verify", {"authenticator": id, "response": code})


async def another(browser: Browser) -> Browser:
    """Return the same person in a browser that has proven nothing."""
    other = await browser.world.browser(browser.id, browser.tenant, sid="another")
    other.secret = browser.secret
    return other


# -- clocks ------------------------------------------------------------------------------------------------------------


async def test_a_clock_that_ran_ahead_shuts_nobody_out(world: World) -> None:
    """A mark that a clock an hour ahead has left is an alarm and no wrong guess.

    The code of an app is judged by the wall clock.
    """
    ann = await world.enrolled()
    await ann.enroll_email()
    world.clock.advance(3600)
    id = await ann.authenticator("email")
    await ann.api("POST", "challenge", {"authenticator": id})
    assert (await verify(ann, world.email.codes[-1], "email")).status == 200
    assert (await world.account()).seen_at == int(world.clock.at)
    world.clock.advance(-3600 + 60)
    assert (await verify(await another(ann), ann.totp())).status == 200
    assert world.kinds("clock.suspect")[0].reason == "ahead"
    assert await used(world) == 0


async def test_a_code_that_was_sent_lives_by_the_wall_clock(world: World) -> None:
    """A code that was sent ends after its ten minutes, also if the mark is an hour ahead.

    Another code can be sent after the wait.
    """
    ann = await world.enrolled()
    await ann.enroll_email()
    id = await ann.authenticator("email")
    world.clock.advance(3600)
    assert (await ann.api("POST", "challenge", {"authenticator": id})).status == 201
    world.clock.advance(-3600)
    early = await ann.api("POST", "challenge", {"authenticator": id})
    assert early.reason == "too_soon"
    world.clock.advance(31)
    assert (await ann.api("POST", "challenge", {"authenticator": id})).status == 201
    code = world.email.codes[-1]
    world.clock.advance(599)
    other = {**ann.cookies}
    world.clock.advance(2)
    assert (await verify(ann, code, "email")).reason == "code_expired"
    ann.cookies = other
    assert (await ann.api("POST", "challenge", {"authenticator": id})).status == 201
    assert (await verify(ann, world.email.codes[-1], "email")).status == 200


async def test_a_step_of_a_clock_that_ran_ahead_is_said_to_be_ours(world: World) -> None:
    """A last step from the future takes no right code, charges none, and blames nobody."""
    ann = await world.enrolled()
    world.clock.advance(3600)
    assert (await ann.prove()).status == 200
    world.clock.advance(-3600)
    for _ in range(9):
        world.clock.advance(30)
        reply = await verify(await another(ann), ann.totp())
        assert (reply.reason, reply.status) == ("clock_ahead", 422)
    account = await world.account()
    assert (account.attempts.used, account.lock) == (0, None)
    assert world.kinds("clock.suspect")


async def test_a_reset_sets_the_mark_back(world: World) -> None:
    """An administrator's reset leaves nothing of the wrong time, and ends every earlier proof.

    Requirement D-64.
    """
    ann = await world.enrolled()
    world.clock.advance(DAY)
    await ann.prove()
    world.clock.advance(-DAY)
    before = await world.account()
    from mfa_gate.core.changes.admin import reset

    moment = world.engine.moment(actor="root")
    await world.engine.change(before.key, lambda a: reset(a, moment, ticket="T-1", reason="clock"))
    after = await world.account()
    assert after.seen_at == int(world.clock.at) < before.seen_at
    assert after.epoch > before.epoch
    again = await world.browser("ann", sid="new")
    await again.enroll()
    world.clock.advance(30)
    assert (await verify(again, again.totp())).status == 200


@pytest.mark.parametrize("steps", [-10, -3, 2, 3, 10])
async def test_a_phone_whose_clock_is_off_is_told_so(world: World, steps: int) -> None:
    """A right code of a phone whose clock is off is free at sign-in, and never taken.

    The answer says in which direction the clock is off. It never locks. Requirement D-42.
    """
    ann = await world.enrolled()
    world.clock.advance(1200)
    other = await another(ann)
    reasons = []
    for number in range(9):
        world.clock.advance(30)
        reply = await verify(other, ann.totp(steps))
        assert reply.json()["attempts_remaining"] == 7
        reasons.append(reply.reason)
        if number == 0:
            assert ("ahead of" if steps > 0 else "behind") in reply.json()["detail"]
    assert reasons == ["clock_drift"] * 3 + ["too_soon"] * 6
    assert not await other.is_in()
    account = await world.account()
    assert (account.attempts.used, account.lock) == (0, None)
    world.clock.advance(30 * max(steps + 1, 0))
    assert (await verify(other, ann.totp())).status == 200, "the clock was set right"


async def test_an_early_code_that_was_recognized_never_counts(world: World) -> None:
    """An early code that was recognized as a drift is not taken when its time has come.

    So the word about a drift helps nobody who guesses. Requirement D-42.
    """
    ann = await world.enrolled()
    world.clock.advance(1200)
    other, early = await another(ann), ann.totp(3)
    assert (await verify(other, early)).reason == "clock_drift"
    world.clock.advance(90)
    assert (await verify(other, early)).reason == "code_already_used"
    world.clock.advance(30)
    assert (await verify(other, ann.totp())).status == 200


async def test_many_with_one_drift_are_an_alarm_about_the_server(world: World) -> None:
    """Several people with the same drift are an alarm about our own clock, once an hour.

    Requirement D-42.
    """
    people = [await world.enrolled(id) for id in ("ann", "bob", "cid", "dan")]
    world.clock.advance(1200)
    for person in people:
        await verify(await another(person), person.totp(3))
    (event,) = world.kinds("clock.suspect")
    assert (event.reason, event.detail["seconds"], event.tenant) == ("drift", 90, "alpha")
    stored = await world.store.events("alpha", kind="clock.suspect")
    assert [e.id for e in stored.items] == [event.id]


async def test_one_phone_that_is_off_is_no_alarm(world: World) -> None:
    """One person's wrong clock is no alarm about ours, also after many wrong codes."""
    ann = await world.enrolled()
    world.clock.advance(1200)
    for _ in range(5):
        world.clock.advance(30)
        await verify(await another(ann), ann.totp(3))
    assert not world.kinds("clock.suspect")


async def test_a_first_enrollment_right_after_a_copy_was_accepted(world: World) -> None:
    """The code of a new app is free in the half minute in which an operator accepts a copy.

    The words say to wait for the next code.
    """
    ann = await world.browser()
    now = int(world.clock.at)
    await world.engine.change(
        SubjectKey("alpha", "ann"), lambda a: Change(account=after_restore(a, now), events=(), answer=None)
    )
    begun = (await ann.api("POST", "enroll", {"factor": "totp"})).json()
    ann.secret = begun["secret"]
    for _ in range(8):
        reply = await ann.api("POST", "enroll/confirm", {"enrollment": begun["enrollment"], "response": ann.totp()})
        assert (reply.status, reply.reason) == (422, "code_too_early")
        assert "next code" in reply.json()["detail"]
    assert await used(world) == 0
    world.clock.advance(30)
    done = await ann.api("POST", "enroll/confirm", {"enrollment": begun["enrollment"], "response": ann.totp()})
    assert done.status == 201


# -- keys --------------------------------------------------------------------------------------------------------------


async def test_a_key_that_is_in_use_must_be_listed() -> None:
    """A start without the first key is refused once a second key has sealed.

    It is refused until a rotation has come to its end. Requirement F-19.
    """
    store = MemoryStore()
    async with running(make_world(store=store, keys=[key(1)])) as world:
        await world.enrolled()
    async with running(make_world(store=store, keys=[key(2), key(1)])):
        pass
    for keys in ([key(2)], [key(1)], [key(3), key(2)]):
        with pytest.raises(SettingsError, match="canary of"):
            await make_world(store=store, keys=keys).gate.web.open()
    async with running(make_world(store=store, keys=[key(3), key(1), key(2)])):
        pass


async def test_backup_codes_of_a_key_that_is_not_listed_are_no_guess(caplog: pytest.LogCaptureFixture) -> None:
    """A backup code whose key is not listed is a fault with its cause, and costs nothing.

    Its digest was made with that key, so nobody can judge the code. Requirement F-19.
    """
    store = MemoryStore()
    async with running(make_world(store=store, keys=[key(1)])) as world:
        ann = await world.enrolled()
        (mine,) = [a for a in (await world.account()).authenticators if a.factor == "backup-code"]
        codes = ann.backup
    async with running(make_world(store=store, keys=[key(2), key(1)])) as world:
        world.engine.keyring._by_id.pop(mine.data["left"][0][:4])  # type: ignore[index]
        other = await world.browser("ann", sid="other")
        with caplog.at_level(logging.ERROR):
            for code in codes[:8]:
                assert (await verify(other, code, "backup-code")).status == 503
        assert await used(world) == 0
    assert "not listed" in caplog.text


async def test_a_ticket_of_a_key_that_is_not_listed_is_a_fault() -> None:
    """F-19: a right ticket is never called wrong because a key is missing here."""
    async with running(make_world(keys=[key(1)])) as world:
        rules = replace(world.engine.policy.base, enrollment=EnrollmentRules(first="ticket"))
        world.engine.use_policy(replace(world.engine.policy, base=rules, tenants={"alpha": rules}))
        ann = await world.browser()
        strange = Keyring([key(2)]).digest("ticket", "alpha", "ann", "ABCDE12345")
        moment = world.engine.moment(actor="root")
        await world.engine.change(
            SubjectKey("alpha", "ann"), lambda a: give_ticket(a, moment, digest=strange, life=3600, reason="new")
        )
        assert (await ann.form("/mfa/enroll", {"action": "ticket", "ticket": "ABCDE-12345"})).status == 503


async def test_a_rolling_change_of_keys_charges_nobody() -> None:
    """A worker that has only the old key and one that has both charge nobody.

    Neither charges for a code that the other has made. Requirement F-18.
    """
    store = MemoryStore()
    async with running(make_world(store=store, keys=[key(1)])) as old:
        ann = await old.enrolled()
        await ann.enroll_email()
        async with running(make_world(store=store.another(), keys=[key(2), key(1)], clock=old.clock)) as new:
            id = await ann.authenticator("email")
            for sending, judging in ((old, new), (new, old)):
                old.clock.advance(700)
                ann.world = sending
                sent = await ann.api("POST", "challenge", {"authenticator": id})
                assert sent.status == 201, sent.text
                code = sending.email.codes[-1]
                ann.world = judging
                for _ in range(8):
                    reply = await ann.api("POST", "verify", {"authenticator": id, "response": code})
                    assert reply.status == 200 or reply.reason in ("fault", "too_soon"), reply.text
                    if reply.status == 200:
                        break
                assert await used(judging) == 0
                ann.world = sending
                if sending is new:
                    assert (await verify(ann, code, "email")).status == 200


async def test_a_change_of_keys_in_the_right_order_asks_nobody_again() -> None:
    """A change of keys in the right order asks nobody for a proof again.

    First every worker lists the new key behind the old one, then before it. A proof counts at both kinds of worker.
    Requirement F-18.
    """
    store = MemoryStore()
    async with running(make_world(store=store, keys=[key(1), key(2)])) as first:
        ann = await first.enrolled()
        async with running(make_world(store=store.another(), keys=[key(2), key(1)], clock=first.clock)) as second:
            for world in (second, first, second, first):
                ann.world = world
                assert await ann.is_in()
                assert (await ann.prove()).status == 200
                for other in (first, second):
                    ann.world = other
                    assert await ann.is_in()


# -- secrets, libraries, stores ----------------------------------------------------------------------------------------


class Broken:
    """A factor whose verification fails with an exception of its own."""

    def __init__(self, part: Any, error: Exception) -> None:
        self.part, self.error = part, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self.part, name)

    def verify(self, context: Any, /, **_: Any) -> Any:
        raise self.error


FAULTS = [
    ValueError("sealed with a key that is not listed"),
    TypeError("unexpected argument"),
    StoreUnavailable("away"),
]


@pytest.mark.parametrize("error", FAULTS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("place", ["sign-in", "enrollment", "contact"])
async def test_a_fault_gives_the_attempt_back_everywhere(
    world: World, monkeypatch: pytest.MonkeyPatch, place: str, error: Exception
) -> None:
    """A fault of ours gives the attempt back wherever a guess is taken.

    The person is not charged for a failure on our side. The answer is 503, not a wrong code. Requirement D-41.
    """
    ann = await (world.enrolled() if place == "sign-in" else world.browser())
    kind = "email" if place == "contact" else "totp"
    body: dict[str, Any] = {}
    if place == "enrollment":
        begun = (await ann.api("POST", "enroll", {"factor": "totp"})).json()
        body = {"enrollment": begun["enrollment"], "response": "123456"}
    engine = world.gate.service.engine
    broken = {**engine.factors, kind: Broken(engine.factors[kind], error)}
    monkeypatch.setattr(engine, "factors", Registry(broken.values()))
    for _ in range(8):
        if place == "sign-in":
            reply = await verify(ann, "123456")
        elif place == "enrollment":
            reply = await ann.api("POST", "enroll/confirm", body)
        else:
            form = {"action": "contact-verify", "kind": "email", "code": "123456"}
            reply = await ann.form("/mfa/enroll", form)
        assert reply.status == 503, reply.text
    account = await world.account()
    assert (account.attempts.used, account.lock) == (0, None)
    assert [e.reason for e in world.kinds("attempt.refused")] == ["fault"] * 8


async def test_a_store_that_fails_while_settling_is_not_the_persons_fault(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attempt that a failing store could not give back is given back by the next answer.

    The swap that would grant the proof fails, and so does the swap that gives the attempt back. Requirement D-41.
    """
    ann = await world.enrolled()
    world.clock.advance(30)
    other, swap = await another(ann), world.store.swap
    left = {"passes": 1}

    async def fails(account: Account, events: Sequence[Event] = (), /) -> bool:
        if left["passes"] <= 0:
            raise StoreUnavailable("away")
        left["passes"] -= 1
        return await swap(account, events)

    monkeypatch.setattr(world.store, "swap", fails)
    assert (await verify(other, ann.totp())).status == 503
    monkeypatch.setattr(world.store, "swap", swap)
    assert await used(world) == 1
    reply = await verify(other, ann.wrong())
    assert reply.json()["attempts_remaining"] == 6
    assert await used(world) == 1


async def test_an_answer_runs_to_its_end_everywhere(world: World) -> None:
    """An answer runs to its end if the person hangs up while proving the contact on file.

    So the attempt is not spent in vain. Requirement F-12.
    """
    strict = replace(world.engine.policy.base.enrollment, first="contact")
    rules = replace(world.engine.policy.base, enrollment=strict)
    world.engine.use_policy(replace(world.engine.policy, base=rules, tenants={"alpha": rules}))
    ann = await world.browser()
    sent = await ann.form("/mfa/enroll", {"action": "contact-send", "kind": "email"})
    assert sent.status == 303
    token = await ann.token("/mfa/enroll")
    form = {"action": "contact-verify", "kind": "email", "code": world.email.codes[-1]}
    task = asyncio.create_task(ann.form("/mfa/enroll", form, token=token))
    while not await used(world) and not task.done():
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await world.gate.service.attempts.aclose()
    account = await world.account()
    assert (account.attempts.used, account.leave is not None) == (0, True)


# -- what costs nothing is bounded -------------------------------------------------------------------------------------


async def test_refusals_that_cost_nothing_are_bounded(world: World) -> None:
    """Replays cost no attempt, and twenty in an hour are the bound.

    After that nothing is compared or written until the hour is over. Then it goes on. Requirement S-38.
    """
    ann = await world.enrolled()
    other, used_code = await another(ann), ann.totp()
    before = len(world.kinds("attempt.refused"))
    reasons = [(await verify(other, used_code)).reason for _ in range(60)]
    assert reasons == ["code_already_used"] * UNCOUNTED_PER_HOUR + ["too_soon"] * 40
    version = (await world.account()).version
    for code in (used_code, "1234567", "12345678"):
        reply = await verify(other, code)
        assert (reply.reason, reply.status) == ("too_soon", 429)
        assert int(reply.header("retry-after")) > 0
    assert (await world.account()).version == version
    assert len(world.kinds("attempt.refused")) - before == UNCOUNTED_PER_HOUR
    assert await used(world) == 0
    assert (await verify(ann, ann.totp(1))).status == 200, "a browser that has proven something has room of its own"
    world.clock.advance(3600)
    assert (await verify(other, ann.totp())).status == 200


async def test_codes_of_another_length_are_bounded(world: World) -> None:
    """S-38: seven digits where the app has six are no guess, and no way to fill the trail."""
    ann = await world.enrolled()
    other = await another(ann)
    reasons = [(await verify(other, "1234567")).reason for _ in range(40)]
    assert reasons == ["malformed"] * UNCOUNTED_PER_HOUR + ["too_soon"] * 20
    assert await used(world) == 0


async def test_an_unlock_ends_the_wait(world: World) -> None:
    """An administrator's unlock ends the wait of new browsers at once.

    A stranger with the password makes new browsers wait for an hour. The unlock lets the owner in.
    """
    ann = await world.enrolled()
    other = await another(ann)
    for _ in range(UNCOUNTED_PER_HOUR):
        await verify(other, "1234567")
    assert (await verify(other, ann.totp(1))).reason == "too_soon"
    moment = world.engine.moment(actor="boss")
    await world.engine.change(SubjectKey("alpha", "ann"), lambda account: unlock(account, moment, reason="called"))
    assert (await verify(other, ann.totp(1))).status == 200


# -- what is written comes from the account that is written ------------------------------------------------------------


def left(account: Account) -> Fields:
    """The data of the backup codes."""
    return next(a.data for a in account.authenticators if a.factor == "backup-code")


async def test_a_code_that_is_used_while_the_set_is_saved_stays_used(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A code that is used while "I have saved them" is written stays used.

    The use comes between the reading and the writing. Requirement S-92.
    """
    ann = await world.enrolled()
    service = world.gate.service
    made = await service.backup.make_for(caller_of(ann), await service.access.own(caller_of(ann)))
    swap = world.store.swap
    swaps: list[Account] = []

    async def with_a_use_between(account: Account, events: Sequence[Event] = (), /) -> bool:
        if not swaps:
            swaps.append(account)
            other = await another(ann)
            assert (await verify(other, made[0], "backup-code")).status == 200
        return await swap(account, events)

    monkeypatch.setattr(world.store, "swap", with_a_use_between)
    await service.backup.saved(caller_of(ann))
    monkeypatch.setattr(world.store, "swap", swap)
    data = left(await world.account())
    assert "kept" not in data
    assert len(data["used"]) == 1  # type: ignore[arg-type]
    assert (await verify(await another(ann), made[0], "backup-code")).reason == "code_already_used"


async def test_readable_backup_codes_end_by_themselves(world: World) -> None:
    """The readable copy of backup codes goes after its time, also without any request.

    This holds for people who never say that the codes are saved. Requirement S-92.
    """
    ann = await world.enrolled()
    service = world.gate.service
    await service.backup.make_for(caller_of(ann), await service.access.own(caller_of(ann)))
    await service.backup.drop_old_copies()
    assert "kept" in left(await world.account())
    world.clock.advance(60 * DAY)
    await service.backup.drop_old_copies()
    data = left(await world.account())
    assert set(data) == {"left", "used"}
    assert len(data["left"]) == 10  # type: ignore[arg-type]
    assert "backup-copies" in [job.name for job in service.worker.jobs]


async def test_a_used_up_set_is_not_offered(world: World) -> None:
    """A set of backup codes that is used up is not offered."""
    ann = await world.enrolled()
    for code in ann.backup:
        assert (await verify(await another(ann), code, "backup-code")).status == 200
    other = await another(ann)
    page = (await other.page("/mfa/challenge")).text
    assert await ann.authenticator("totp") in page
    assert await ann.authenticator("backup-code") not in page


async def test_readable_backup_codes_end_with_the_next_write(world: World) -> None:
    """S-92: any change of the account drops the copy once its time is over."""
    ann = await world.enrolled()
    service = world.gate.service
    await service.backup.make_for(caller_of(ann), await service.access.own(caller_of(ann)))
    world.clock.advance(900)
    await ann.prove()
    assert "kept" not in left(await world.account())


def caller_of(browser: Browser) -> Any:
    """Return the caller that the use cases see for this browser, with a proof that counts."""
    from mfa_gate import Subject
    from mfa_gate.core.entropy import handle_digest
    from mfa_gate.core.model import Caller
    from tests.harness import HOME

    world = browser.world
    subject = Subject(id=browser.id, tenant=browser.tenant, session=f"s-{browser.id}-{browser.tenant}")
    jar = world.gate.web.site.cookies.jar(subject.key, {"type": "http", "scheme": "http"})
    handle = world.gate.web.site.cookies.open(jar, browser.cookies[browser.handle])
    return Caller(subject=subject, handle=handle_digest(handle), network=HOME)
