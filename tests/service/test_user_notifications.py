"""Notices about one's own account: where they go, how many, and what is tried again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.core.events import TOLD_BY, Event
from mfa_gate.core.model import SubjectKey
from mfa_gate.core.rules import PriceRules, SendRules, Units
from mfa_gate.errors import SendFailed
from mfa_gate.service import user_notifications as module
from mfa_gate.testing import enrolled
from tests.harness import START, World, make_world, running, with_rules

ANN, PHONE = SubjectKey("alpha", "ann"), "+12025550142"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Ann has a number for texts."""
    async with running(make_world()) as made:
        await enrolled(made.gate, Subject("ann", "alpha"), "sms", phone=PHONE)
        await made.engine.effects.idle()
        for box in (made.email, made.sms):
            box.messages.clear()
        made.events.clear()
        yield made


def line(kind: str = "account.locked", **parts: object) -> Event:
    """Make an event about Ann."""
    given = {"id": "E1", "at": START, "tenant": "alpha", "account": "ann", "network": "203.0.113.0/24", **parts}
    return Event(kind=kind, **given)  # type: ignore[arg-type]


async def told(world: World, event: Event) -> tuple[list[str], list[str]]:
    """Tell it as after its commit. Returns who got a mail, and who a text."""
    for box in (world.email, world.sms):
        box.messages.clear()
    await world.gate.service.notices((event,), await world.store.load(ANN))
    return [mail.to for mail in world.email.messages], [text.to for text in world.sms.messages]


async def test_a_mail_and_a_text(world: World) -> None:
    """A lock is told at the address on file and at the enrolled number."""
    assert await told(world, line()) == (["ann@alpha.example"], [PHONE])
    assert world.email.messages[0].key == "notice-E1-account.locked"
    assert world.sms.messages[0].key == "notice-E1-account.locked-0"
    assert (world.sms.messages[0].tenant, world.sms.messages[0].channel) == ("alpha", "sms")
    assert "E1" in world.email.messages[0].text


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (line("proof.granted", factor="backup-code"), "backup_code.used"),
        (line("proof.granted", factor="totp"), ""),
        (line("browser.new_network", factor="totp"), "browser.new_network"),
        (line("browser.new_network", factor="backup-code"), ""),
        (line("factor.enrolled", factor="totp"), "factor.enrolled"),
        (line("factor.enrolled", factor="totp", detail={TOLD_BY: "x"}), ""),
        (line("attempt.failed"), ""),
    ],
)
async def test_the_kind_of_a_notice(world: World, event: Event, kind: str) -> None:
    """There is one mail for one thing."""
    notices = world.gate.service.notices
    assert (notices._notice_kind(event), notices.wants(event)) == (kind, bool(kind))


async def test_texts_of_a_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """After ten texts in a day only mails go out; the next day texts come again."""
    for number in range(12):
        mails, texts = await told(world, line(id=f"E{number}"))
        assert (len(mails), len(texts)) == (1, int(number < 10))
    world.clock.advance(86_399)
    assert (await told(world, line(id="late")))[1] == []
    world.clock.advance(1)
    assert (await told(world, line(id="next")))[1] == [PHONE]
    assert module.TEXTS_PER_DAY == 10


async def test_texts_cost_money(world: World) -> None:
    """The mail goes out alone once the day's money is spent."""
    priced = SendRules(price=PriceRules(sms=10), cap_per_day=Units(10))
    world.engine.use_policy(with_rules(lambda rules: replace(rules, sends=priced)))
    assert [(await told(world, line(id=f"E{n}")))[1] for n in range(2)] == [[PHONE], []]


@pytest.mark.parametrize(("transient", "again"), [(True, True), (False, False)])
async def test_a_notice_that_fails(
    world: World, transient: bool, again: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """One that may get through later is noted for its hook; the text goes out all the same."""
    heard: list[tuple[str, bool]] = []
    world.engine.effects.heard = lambda name, event, *, ok: heard.append((name, ok))
    world.email.failure = SendFailed("refused", transient=transient)
    assert await told(world, line()) == ([], [PHONE])
    assert heard == [("notice.email", not again), ("notice.text", True)]
    assert ("is tried again" in caplog.text) == again
    assert ("was not delivered" in caplog.text) == (not again)


async def test_what_is_no_notice_is_not_heard(world: World) -> None:
    """The hooks run for all applications, and only for senders that there are."""
    heard: list[str] = []
    world.engine.effects.heard = lambda name, event, *, ok: heard.append(name)
    assert await told(world, line("attempt.failed")) == ([], [])
    assert heard == []
    hooks = world.gate.service.notices.hooks()
    assert [(hook.name, hook.shared) for hook in hooks] == [("notice.email", True), ("notice.text", True)]
    senders = world.engine.wiring.senders
    for gone, names in (({"sms": None}, ["notice.email"]), ({"email": None}, ["notice.text"])):
        world.engine.wiring = replace(world.engine.wiring, senders=replace(senders, **gone))
        assert [hook.name for hook in world.gate.service.notices.hooks()] == names
    world.engine.wiring = replace(world.engine.wiring, senders=senders)


async def test_the_host_is_asked_once_for_both(world: World) -> None:
    """A notice that goes everywhere asks for the contacts on file one time.

    Nobody on file gets none.
    """
    asked: list[str] = []

    async def contacts(subject: Subject) -> Contacts:
        asked.append(subject.id)
        return Contacts()

    world.engine.wiring = replace(world.engine.wiring, contacts=contacts)
    mails, texts = await told(world, line("recovery.requested", detail={"about": "x"}))
    assert (mails, texts, asked) == ([], [PHONE], ["ann"])
    assert await told(world, line()) == ([], [PHONE])


async def test_a_number_that_cannot_be_read(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged with the authenticator, and the mail goes out."""
    account = await world.store.load(ANN)
    (mine,) = [a for a in account.authenticators if a.factor == "sms"]
    broken = replace(mine, data=dict.fromkeys(mine.data, "x"))
    assert await world.store.swap(replace(account, authenticators=(broken,)))
    assert await told(world, line()) == (["ann@alpha.example"], [])
    assert f"the destination of the authenticator {mine.id} cannot be read" in caplog.text


@pytest.mark.parametrize(
    ("parts", "where"),
    [
        ({"network": "203.0.113.0/24", "address": "203.0.113.9"}, "203.0.113.9"),
        ({"network": "203.0.113.0/24"}, "203.0.113.0/24"),
        ({"network": "=Office", "address": "203.0.113.9"}, "203.0.113.9 (Office)"),
        ({"network": "=Office"}, "Office"),
    ],
)
async def test_the_place_in_a_mail(world: World, parts: dict[str, str], where: str) -> None:
    """The address in full, and the name of a network that the policy trusts."""
    await told(world, line("browser.new_network", factor="totp", **parts))
    (mail,) = world.email.messages
    assert f" {where}\n" in mail.text.replace(".\n", "\n")
