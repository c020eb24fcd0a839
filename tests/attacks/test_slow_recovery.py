"""A thief with the password asks to set up anew, and everybody can stop it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.core.changes.after_restore import after_restore
from mfa_gate.core.changes.dispute import dispute
from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import DAY
from mfa_gate.keyring import Keyring
from mfa_gate.service.maintenance.rotation import context_of
from mfa_gate.stores.memory import MemoryStore
from tests.harness import Browser, Reply, World, key, make_world, running, with_rules

WAIT = Seconds(3 * DAY)
WEEK = 7 * DAY
ASK = {"about": "my phone is gone"}
SLOW = with_rules(
    lambda rules: replace(
        rules,
        recovery=replace(rules.recovery, self_service=WAIT),
        enrollment=replace(rules.enrollment, first="contact"),
    )
)


@dataclass
class Scene:
    """Ann has an app and her address; a thief knows her password."""

    world: World
    ann: Browser
    thief: Browser
    contacts: dict[str, str] = field(default_factory=dict)

    async def ask(self) -> Reply:
        reply = await self.thief.api("POST", "recovery", ASK)
        await self.world.engine.effects.idle()
        return reply

    async def work(self) -> None:
        await self.world.gate.service.slow_recovery.keep()
        await self.world.engine.effects.idle()

    async def begin(self) -> Reply:
        return await self.thief.api("POST", "recovery/begin", {})

    def told(self) -> list[str]:
        """Take the receivers of the messages so far."""
        found = [m.to for m in (*self.world.email.messages, *self.world.sms.messages)]
        self.world.email.messages.clear()
        self.world.sms.messages.clear()
        return found


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    contacts = {"email": "ann@alpha.example", "phone": "+1 202-555-0123"}

    async def contacts_of(subject: Subject) -> Contacts:
        return Contacts(name="Ann", **contacts)

    async with running(make_world(policy=SLOW, contacts=contacts_of, public_url="http://localhost:8000")) as world:
        ann = await world.browser()
        await ann.form("/mfa/enroll", {"action": "contact-send", "kind": "email"})
        sent = {"action": "contact-verify", "kind": "email", "code": world.email.codes[-1]}
        assert (await ann.form("/mfa/enroll", sent)).status == 303
        await ann.enroll()
        await world.engine.effects.idle()
        made = Scene(world, ann, await world.browser(address="192.0.2.66"), contacts)
        made.told()
        yield made


async def test_every_contact_is_told_with_a_link_that_stops_it(scene: Scene) -> None:
    """Mail and text say what comes, when, and how to stop it; the text fits one segment."""
    assert (await scene.ask()).status == 202
    (mail,), (text,) = scene.world.email.messages, scene.world.sms.messages
    assert "/mfa/dispute/" in mail.text
    assert "June 18, 2025" in mail.text
    assert re.search(r"http://localhost:8000/mfa/dispute/[a-z2-7]{16}$", text.text)
    assert len(text.text) <= 160


async def test_the_short_link_of_a_text_stops_it(scene: Scene) -> None:
    """Its page asks for a tick, as that of the mail does: a scanner stops nothing."""
    await scene.ask()
    place = "/mfa/dispute/" + scene.world.sms.messages[0].text.rpartition("/")[2]
    phone = Browser(scene.world)
    assert (await phone.page(place)).status == 200
    form = (("content-type", "application/x-www-form-urlencoded"),)
    assert (await phone.ask("POST", place, headers=form, body=b"action=dispute")).status == 422
    assert (await scene.world.account()).recovery is not None
    assert (await phone.ask("POST", place, headers=form, body=b"action=dispute&sure=1")).status == 303
    assert (await scene.world.account()).recovery is None
    scene.world.clock.advance(WAIT)
    assert (await scene.begin()).reason == "not_allowed"
    assert (await phone.page("/mfa/dispute/aaaaaaaaaaaaaaaa")).status == 404


async def test_asking_again_neither_shortens_nor_hides_nor_extends(scene: Scene) -> None:
    """The second request is the first one, and nobody is told less."""
    first = (await scene.ask()).json()
    scene.world.clock.advance(DAY)
    assert (await scene.ask()).json() == first
    await scene.work()
    scene.told()
    scene.world.clock.advance(2 * DAY - 1)
    refused = await scene.begin()
    assert (refused.status, refused.reason, refused.json()["retry_after"]) == (429, "too_soon", 1)
    await scene.work()
    assert sorted(scene.told()) == ["+12025550123", "ann@alpha.example"]
    page = (await scene.ann.page("/mfa")).text
    assert 'name="action" value="stop"' in page
    assert "asked to set up your sign-in again" in page


async def test_reminders_come_and_one_stands_for_those_that_were_missed(scene: Scene) -> None:
    """After a third, after two thirds, and at the end; never twice for one."""
    await scene.ask()
    kinds = []
    for seconds in (DAY - 1, 1, 60, DAY, DAY):
        scene.world.clock.advance(seconds)
        scene.world.events.clear()
        await scene.work()
        kinds.append([e.kind for e in scene.world.events if e.kind.startswith("recovery.")])
    assert kinds == [[], ["recovery.reminded"], [], ["recovery.reminded"], ["recovery.open"]]


async def test_a_proof_stops_it(scene: Scene) -> None:
    """The owner signs in as always, and the thief begins in vain."""
    await scene.ask()
    scene.world.clock.advance(WAIT)
    await scene.ann.prove()
    assert (await scene.begin()).reason == "not_allowed"
    assert [e.reason for e in scene.world.kinds("recovery.stopped")] == ["proof"]


async def test_the_owner_without_methods_sets_up_anew(scene: Scene) -> None:
    """The old methods are gone, on_reset is called, and the contact on file comes first."""
    await scene.ask()
    state = await scene.thief.state()
    assert state["state"] == "challenge"
    assert state["recovery"]["open"] is False
    scene.world.clock.advance(WAIT)
    assert (await scene.thief.state())["recovery"]["open"] is True
    page = await scene.thief.page("/mfa/recovery")
    assert "Remove the old methods and begin" in page.text
    begun = await scene.thief.form("/mfa/recovery", {"action": "begin"})
    assert (begun.status, begun.location) == (303, "/mfa/enroll#")
    assert (await scene.thief.state())["state"] == "enroll"
    assert not await scene.ann.is_in()
    refused = await scene.thief.api("POST", "enroll", {"factor": "totp"})
    assert refused.reason == "contact_required"
    again = await scene.thief.form("/mfa/recovery", {"action": "begin"})
    assert again.status == 303, "the second copy leads on"


async def test_changed_contacts_begin_the_wait_again_and_both_are_told(scene: Scene) -> None:
    """A thief who changes the address in the profile waits again, and the owner hears of it."""
    await scene.ask()
    scene.told()
    scene.world.clock.advance(WAIT)
    scene.contacts["email"] = "thief@evil.example"
    assert (await scene.begin()).reason == "too_soon"
    await scene.world.engine.effects.idle()
    assert {"ann@alpha.example", "thief@evil.example", "+12025550123"} <= set(scene.told())
    assert (await scene.begin()).reason == "too_soon"
    scene.world.clock.advance(DAY)
    await scene.work()
    assert "ann@alpha.example" in scene.told()


async def test_the_same_contact_in_another_spelling_is_no_change(scene: Scene) -> None:
    """The host writes the number with other blanks."""
    await scene.ask()
    scene.contacts.update(email="Ann@Alpha.example", phone="+12025550123")
    scene.world.clock.advance(WAIT)
    assert (await scene.begin()).status == 200


async def test_nothing_opens_where_nobody_can_be_told(scene: Scene) -> None:
    """The request is one for the administrators then."""
    scene.contacts.update(email="", phone="")
    assert "opens_at" not in (await scene.ask()).json()
    scene.world.clock.advance(WAIT)
    assert (await scene.begin()).reason == "not_allowed"


@pytest.mark.parametrize("first", ["stop", "begin"])
async def test_a_stop_at_the_moment_of_the_end(scene: Scene, first: str) -> None:
    """Both at once: either it is stopped, or nothing can be enrolled for a day."""
    await scene.ask()
    scene.world.clock.advance(WAIT)
    engine, key = scene.world.engine, (await scene.world.account()).key
    stop = engine.change(key, lambda a: dispute(a, engine.moment(), about="X", kind="recovery.waiting"))
    both = (stop, scene.begin()) if first == "stop" else (scene.begin(), stop)
    await asyncio.gather(*both)
    account = await scene.world.account()
    assert account.recovery is None
    assert account.frozen_until
    if not account.authenticators:
        assert (await scene.thief.api("POST", "enroll", {"factor": "email"})).reason == "frozen"


async def test_a_lock_keeps_it_closed_and_the_wait_begins_again(scene: Scene) -> None:
    """The thief uses up the attempts, so that the owner can prove nothing."""
    await scene.ask()
    await scene.thief.lock()
    scene.world.clock.advance(WAIT)
    assert (await scene.begin()).reason == "locked"
    service, engine = scene.world.gate.service, scene.world.engine
    from mfa_gate.core.changes.admin import unlock

    key = (await scene.world.account()).key
    await engine.change(key, lambda a: unlock(a, engine.moment(actor="boss"), reason="called"))
    assert (await scene.begin()).json()["retry_after"] == WAIT
    assert service.slow_recovery.wait_of("alpha") == WAIT


async def test_a_restored_store_opens_nothing(scene: Scene) -> None:
    """A stop may have been lost with the store, so only an administrator answers."""
    await scene.ask()
    scene.world.clock.advance(WAIT)
    account = after_restore(await scene.world.account(), int(scene.world.clock.at))
    assert account.recovery is not None
    assert not account.recovery.opens_at


async def test_an_open_way_closes_after_a_week(scene: Scene) -> None:
    """A request that nobody used is no door for later."""
    await scene.ask()
    scene.world.clock.advance(WAIT + WEEK)
    assert (await scene.begin()).reason == "not_allowed"
    await scene.work()
    assert (await scene.world.account()).recovery is None


async def test_messages_are_bounded(scene: Scene) -> None:
    """A thief who asks after each stop cannot send messages without end."""
    replies = []
    for _ in range(7):
        replies.append((await scene.ask()).status)
        await scene.ann.prove()
    assert replies == [202] * 5 + [429] * 2


async def test_off_by_default() -> None:
    """Without the key a request waits for an administrator, however long."""
    async with running(make_world()) as world:
        ann = await world.enrolled()
        thief = await world.browser(address="192.0.2.66")
        assert "opens_at" not in (await thief.api("POST", "recovery", ASK)).json()
        world.clock.advance(100 * DAY)
        assert (await thief.api("POST", "recovery/begin", {})).reason == "not_allowed"
        assert ann.secret


async def test_new_keys_change_nothing(scene: Scene) -> None:
    """The contacts that were told are sealed anew; without their key the wait begins again."""
    await scene.ask()
    slow, engine = scene.world.gate.service.slow_recovery, scene.world.engine
    account = await scene.world.account()
    engine.keyring = Keyring([key(2), key(1)])
    context = replace(context_of(scene.world.gate.service, account), keyring=engine.keyring)
    anew = replace(account, recovery=slow.sealed_anew(context, account.recovery))
    engine.keyring = Keyring([key(2)])
    assert [one.email for one in slow.earlier(anew)] == ["ann@alpha.example"]
    assert slow.earlier(account) == ()
    assert slow.sealed_anew(replace(context, keyring=engine.keyring), account.recovery) == account.recovery


async def test_a_thief_who_changes_the_contacts_often_does_not_push_the_owner_out(scene: Scene) -> None:
    """Those who were on file at the beginning are told to the end."""
    await scene.ask()
    for number in range(6):
        scene.contacts.update(email=f"thief{number}@evil.example", phone=f"+1 202-555-019{number}")
        await scene.begin()
        await scene.world.engine.effects.idle()
    scene.told()
    scene.world.clock.advance(WAIT)
    await scene.work()
    assert {"ann@alpha.example", "+12025550123", "thief5@evil.example"} <= set(scene.told())


async def test_a_record_without_contacts_for_a_while_silences_no_reminder(scene: Scene) -> None:
    """Those who were told at the beginning are reminded, although nobody is on file meanwhile."""
    await scene.ask()
    scene.told()
    kept = dict(scene.contacts)
    scene.contacts.update(email="", phone="")
    for _ in range(2):
        scene.world.clock.advance(DAY)
        await scene.work()
        assert {"ann@alpha.example", "+12025550123"} <= set(scene.told())
    scene.contacts.update(kept)
    scene.world.clock.advance(DAY)
    await scene.work()
    assert "ann@alpha.example" in scene.told()


async def test_a_text_that_goes_to_nobody_leaves_no_link(scene: Scene) -> None:
    """Each short link is a row of the store, so there is none where no number is known."""
    scene.contacts["phone"] = ""
    await scene.ask()
    scene.told()
    assert isinstance(scene.world.store, MemoryStore)
    assert not [name for name in scene.world.store._ready().meta if name.startswith("short-link:")]
