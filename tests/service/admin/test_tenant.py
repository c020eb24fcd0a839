"""Preparing a tenant: a real test message, reminders, and people who can be reached."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.core.model import SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import PathRule, Rules, StepUpRule
from mfa_gate.errors import SendFailed, StoreContention, StoreUnavailable
from mfa_gate.identity import SessionUser
from mfa_gate.service.admin.people import all_reachable
from mfa_gate.service.admin.rights import Actor
from mfa_gate.service.outbox import LAG
from mfa_gate.stores.memory import MemoryStore
from tests.harness import START, Browser, make_world, running, with_rules
from tests.service.admin.people import administrator

DESK = with_rules(lambda rules: replace(rules, enrollment=replace(rules.enrollment, stage="admin", checklist="advice")))
OPTIONAL = with_rules(lambda rules: replace(rules, enrollment=replace(rules.enrollment, stage="optional")))
DAY = 86_400


def person(id: str, email: str = "", phone: str = "") -> tuple[Subject, Contacts]:
    """Somebody of the host's directory."""
    return Subject(id=id, tenant="alpha"), Contacts(email=email, phone=phone)


async def test_the_test_message_goes_out_and_is_ticked_by_who_got_it() -> None:
    """The test message goes to the administrator's own address.

    Only "It arrived" ticks the line. Both steps are in the trail.
    """
    async with running(make_world(policy=DESK)) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        await world.engine.effects.idle()
        world.email.messages.clear()

        async def ticked() -> bool:
            lines = (await boss.api("GET", "admin/tenant")).json()["checklist"]
            return bool(next(line["ok"] for line in lines if line["id"] == "message"))

        assert (await boss.form("/mfa/admin/tenant", {"action": "trial"})).status == 303
        assert [(m.to, "test message" in m.subject) for m in world.email.messages] == [("boss@alpha.example", True)]
        assert not await ticked()
        assert (await boss.form("/mfa/admin/tenant", {"action": "tested"})).status == 303
        assert await ticked()
        assert [event.reason for event in world.kinds("tenant.message")] == ["trial", "tested"]


async def test_a_test_message_that_fails_says_so() -> None:
    """The page says that a test message was not delivered.

    F-21. The number of tries an hour is limited.
    """
    async with running(make_world(policy=DESK)) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        await world.engine.effects.idle()
        world.email.failure = SendFailed("unreachable", transient=True)
        failed = await boss.form("/mfa/admin/tenant", {"action": "trial"})
        assert (failed.status, "couldn’t deliver the message" in failed.text) == (422, True)
        assert world.kinds("tenant.message") == []
        world.email.failure = None
        found = [(await boss.form("/mfa/admin/tenant", {"action": "trial"})).status for _ in range(6)]
        assert found == [303] * 4 + [422] * 2


@pytest.mark.parametrize("action", ["trial", "remind"])
async def test_only_who_may(action: str) -> None:
    """S-121: support and security may not, nor an administrator of another tenant."""
    async with running(make_world(policy=DESK)) as world:
        for id, groups, place, status in (
            ("sue", ["support"], "", 403),
            ("sam", ["security"], "", 403),
            ("boss", ["admin"], "?tenant=beta", 404),
        ):
            actor = await world.enrolled(id, groups=groups)
            await world.engine.effects.idle()
            world.email.messages.clear()
            token = await actor.token("/mfa")
            reply = await actor.form(f"/mfa/admin/tenant{place}", {"action": action}, token=token)
            assert reply.status == status
            await world.engine.effects.idle()
            assert world.email.messages == []


async def test_reminders() -> None:
    """Every known person without a second step gets one reminder a day.

    A person with a second step, or of another tenant, gets none.
    """

    async def directory(tenant: str) -> Iterable[tuple[Subject, Contacts]]:
        return [person("dora", "dora@alpha.example"), person("boss", "boss@alpha.example")]

    async with running(make_world(policy=OPTIONAL, directory=directory)) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        for id, tenant in (("ann", "alpha"), ("bob", "alpha"), ("zoe", "beta")):
            await (await world.browser(id, tenant)).api("POST", "enroll/skip", {})
        await world.engine.effects.idle()
        world.email.messages.clear()
        assert (await boss.form("/mfa/admin/tenant", {"action": "remind"})).status == 303
        await world.engine.effects.idle()
        assert sorted(message.to for message in world.email.messages) == [
            "ann@alpha.example",
            "bob@alpha.example",
            "dora@alpha.example",
        ]
        assert "/mfa/enroll" in world.email.messages[0].text
        assert "A reminder is on its way to 3 people." in (await boss.page("/mfa/admin/tenant")).text
        (event,) = world.kinds("tenant.message")
        assert (event.reason, event.detail) == ("reminder", {"people": 3})
        again = await boss.form("/mfa/admin/tenant", {"action": "remind"})
        assert (again.status, len(world.email.messages)) == (422, 3)
        world.clock.advance(DAY)
        await boss.prove()
        assert (await boss.form("/mfa/admin/tenant", {"action": "remind"})).status == 303


async def test_no_reminder_for_who_signs_in_elsewhere() -> None:
    """A person whose sign-in elsewhere counts as the second step gets no reminder.

    If the policy trusts no such sign-in, the person is missing.
    """
    trusting = replace(OPTIONAL.base, freshness=replace(OPTIONAL.base.freshness, trust_amr=("mfa",)))
    policy = replace(OPTIONAL, base=trusting, tenants={**OPTIONAL.tenants, "alpha": trusting})

    async def directory(tenant: str) -> Iterable[tuple[Subject, Contacts]]:
        return [person("ann", "ann@alpha.example"), person("bob", "bob@alpha.example")]

    identify = SessionUser("user_id", tenant="org", session="sid", amr="amr", auth_time="auth_time")
    async with running(make_world(policy=policy, identify=identify, directory=directory)) as world:
        ann = Browser(world)
        session = {"user_id": "ann", "org": "alpha", "sid": "s", "amr": ["mfa"], "auth_time": int(world.clock.now())}
        await ann.ask("POST", "/login", body=json.dumps(session).encode())
        assert (await ann.page("/records")).status == 200
        missing = world.gate.service.people.missing
        assert await missing("alpha") == (SubjectKey("alpha", "bob"),)
        world.engine.use_policy(OPTIONAL)
        assert set(await missing("alpha")) == {SubjectKey("alpha", "ann"), SubjectKey("alpha", "bob")}


async def test_a_reminder_keeps_no_id_in_the_store() -> None:
    """The count of a person's reminders is under a digest.

    So a forgotten person leaves no name there."""
    store = MemoryStore()
    async with running(make_world(policy=OPTIONAL, store=store)) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        await (await world.browser("ann.smith")).api("POST", "enroll/skip", {})
        fields = {"action": "remind", "pick-1": "ann.smith"}
        assert (await boss.form("/mfa/admin/accounts", fields)).status == 303
        assert (await boss.form("/mfa/admin/accounts", fields)).status == 422
        assert not [name for name in store._ready().taken if "ann.smith" in name]


async def test_a_reminder_that_found_nobody_uses_up_no_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store or a directory that fails while the people are listed costs nothing."""
    async with running(make_world(policy=OPTIONAL)) as world:
        await (await world.browser("ann")).api("POST", "enroll/skip", {})
        messages, operator = world.gate.service.tenant_messages, Actor(name="operator:eve")

        async def away(tenant: str) -> tuple[SubjectKey, ...]:
            raise StoreUnavailable("away")

        with monkeypatch.context() as outage:
            outage.setattr(messages.people, "missing", away)
            with pytest.raises(StoreUnavailable):
                await messages.remind(operator, "alpha")
        assert await messages.remind(operator, "alpha") == 1
        assert isinstance(await messages.remind(operator, "alpha"), Refusal)


async def test_one_address_that_fails_stops_no_other() -> None:
    """F-21: reminders go on when one cannot be sent."""
    async with running(make_world(policy=OPTIONAL)) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        await (await world.browser("ann")).api("POST", "enroll/skip", {})
        await world.engine.effects.idle()
        world.email.failure = SendFailed("refused", transient=False)
        assert (await boss.form("/mfa/admin/tenant", {"action": "remind"})).status == 303
        await world.engine.effects.idle()


@pytest.mark.parametrize(
    ("people", "reachable"),
    [
        ([], True),
        ([person("a", "a@x.example"), person("b", "b@x.example")], True),
        ([person("a", "a@x.example"), person("b", "A@X.example")], False),
        ([person("a", "a@x.example"), person("b", "a@x.example", "+1 202-555-0100")], True),
        ([person("a", phone="+1 202-555-0100"), person("b", phone="+1 202-555-0100")], True),
        ([person("a", "a@x.example"), person("b")], False),
    ],
)
async def test_who_can_be_reached(people: list[tuple[Subject, Contacts]], reachable: bool) -> None:
    """Everybody can be reached if each person has a unique e-mail address or a number.

    This is the practice's rule. Numbers may be shared.
    """
    assert all_reachable(people) is reachable

    async def directory(tenant: str) -> Iterable[tuple[Subject, Contacts]]:
        return people

    async with running(make_world(policy=DESK, directory=directory)) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        lines = (await boss.api("GET", "admin/tenant")).json()["checklist"]
        assert next(line["ok"] for line in lines if line["id"] == "contacts") is reachable


async def test_a_directory_that_does_not_answer() -> None:
    """The line stays open, the page stands; without a directory there is no such line."""

    async def directory(tenant: str) -> Iterable[tuple[Subject, Contacts]]:
        raise RuntimeError("down")

    async with running(make_world(policy=DESK, directory=directory)) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        lines = (await boss.api("GET", "admin/tenant")).json()["checklist"]
        assert next(line["ok"] for line in lines if line["id"] == "contacts") is False
    async with running(make_world(policy=DESK)) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        assert "contacts" not in (await boss.api("GET", "admin/tenant")).text


async def test_two_administrators() -> None:
    """Two administrators with a second step are needed before a tenant is ready.

    This is so if the host's directory tells who is an administrator. One administrator is not enough, nor are
    people who could unlock nobody.
    """
    people: list[tuple[Subject, Contacts]] = []

    async def directory(tenant: str) -> list[tuple[Subject, Contacts]]:
        return people

    async with running(make_world(directory=directory)) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        await world.enrolled("ann")
        people += [
            (Subject("boss", "alpha", frozenset({"admin"})), Contacts(email="boss@alpha.example")),
            (Subject("chief", "alpha", frozenset({"security"})), Contacts(email="chief@alpha.example")),
            (Subject("ann", "alpha"), Contacts(email="ann@alpha.example")),
        ]

        async def ticked() -> bool:
            lines = (await boss.api("GET", "admin/tenant")).json()["checklist"]
            return next(bool(line["ok"]) for line in lines if line["id"] == "administrators")

        assert not await ticked()
        await world.enrolled("chief", groups=["security"])
        assert await ticked()
        assert "At least two administrators have set up" in (await boss.page("/mfa/admin/tenant")).text


CLOSED = with_rules(
    lambda rules: replace(rules, owner="owner@example.org", enrollment=replace(rules.enrollment, stage="admin"))
)


async def test_turning_on_waits_for_the_checklist() -> None:
    """Turning on is refused while a line of the checklist is open, with the open ones.

    By JSON and page. Then it is on, and the administrators are told.
    """
    async with running(make_world(policy=CLOSED)) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        turn_on = {"enabled": True, "confirm": "alpha"}
        refused = await boss.api("PATCH", "admin/tenant", turn_on)
        assert (refused.status, refused.reason) == (403, "not_allowed")
        assert refused.json()["open"] == ["administrators", "message", "announced"]
        assert "A test message has arrived." in refused.json()["detail"]
        page = await boss.form("/mfa/admin/tenant", {"action": "enable", "confirm": "alpha"})
        assert (page.status, "Finish the preparation first" in page.text) == (422, True)
        shown = (await boss.page("/mfa/admin/tenant")).text
        assert ('value="enable"' in shown, "when all of this is done" in shown) == (False, True)
        await world.enrolled("sam", groups=["security"])
        for word in ("tested", "announced"):
            assert (await boss.form("/mfa/admin/tenant", {"action": word})).status == 303
        assert 'value="enable"' in (await boss.page("/mfa/admin/tenant")).text
        await world.engine.effects.idle()
        world.email.messages.clear()
        assert (await boss.api("PATCH", "admin/tenant", turn_on)).status == 200
        (event,) = world.kinds("tenant.enabled")
        assert event.detail == {}
        await world.engine.effects.idle()
        world.clock.advance(LAG)
        await world.gate.service.outbox.flush()
        await world.gate.service.outbox.catch_up(shared=True)
        await world.engine.effects.idle()
        assert [m.to for m in world.email.messages if "turned on" in m.subject] == ["owner@example.org"]


async def test_a_checklist_may_be_advice() -> None:
    """With ``checklist = "advice"`` the open lines are shown and written into the event."""
    async with running(make_world(policy=DESK)) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        assert 'value="enable"' in (await boss.page("/mfa/admin/tenant")).text
        assert (await boss.api("PATCH", "admin/tenant", {"enabled": True, "confirm": "alpha"})).status == 200
        (event,) = world.kinds("tenant.enabled")
        assert event.detail == {"open": "administrators message announced"}


async def test_an_earlier_choice_is_looked_at_again() -> None:
    """Factors that were picked before a rule came are looked at again.

    Turning on is refused with the rule's name.
    """

    def picked_by_them(rules: Rules) -> Rules:
        factors = replace(rules.factors, choice="tenant")
        return replace(rules, factors=factors, enrollment=replace(rules.enrollment, stage="admin", checklist="advice"))

    async with running(make_world(policy=with_rules(picked_by_them))) as world:
        boss = await world.enrolled("boss", groups=["admin"])
        choice = {"factors": ["sms"], "confirm": "alpha"}
        assert (await boss.api("PATCH", "admin/tenant", choice)).status == 200
        strong = StepUpRule(name="reports", paths=(PathRule(text="=/reports"),), phishing_resistant=True)
        world.engine.use_policy(with_rules(lambda rules: replace(picked_by_them(rules), step_up=(strong,))))
        refused = await boss.api("PATCH", "admin/tenant", {"enabled": True, "confirm": "alpha"})
        assert (refused.status, refused.reason, '"reports"' in refused.json()["detail"]) == (
            422,
            "not_enrollable",
            True,
        )


EVE = Actor(name="operator:eve")


async def test_what_the_trail_says_of_the_settings() -> None:
    """Each change is one line with what changed; what changes nothing writes none."""

    def desk_choice(rules: Rules) -> Rules:
        enrollment = replace(rules.enrollment, stage="admin", checklist="advice")
        return replace(rules, enrollment=enrollment, factors=replace(rules.factors, choice="tenant"))

    async with running(make_world(policy=with_rules(desk_choice))) as world:
        desk, settings = world.gate.service.tenant_desk, world.store.settings
        kinds = ("tenant.enabled", "tenant.changed", "tenant.message", "tenant.proofs_ended")

        async def told() -> list[tuple[str, str, dict[str, object]]]:
            found = [event for event in world.events if event.kind in kinds]
            world.events.clear()
            assert {(event.tenant, event.account, event.actor) for event in found} <= {("alpha", "", "operator:eve")}
            return [(event.kind, event.reason, dict(event.detail)) for event in found]

        async def change(**given: object) -> Refusal | None:
            named = {"enabled": None, "factors": None, "confirm": "alpha", **given}
            return await desk.set(EVE, "alpha", **named)  # type: ignore[arg-type]

        heard: list[str] = []
        world.engine.effects.heard = lambda name, event, *, ok: heard.append(event.kind)
        assert await change(factors=("email", "totp")) is None
        assert await told() == [("tenant.changed", "", {"factors": "email totp"})]
        await world.engine.effects.idle()
        assert heard == ["tenant.changed"], "a hook that fails gets it again"
        assert (await settings("alpha")).enabled_at == 0
        assert await change(factors=("email", "totp")) is None
        assert await told() == []
        world.clock.advance(5)
        assert await change(enabled=True) is None
        ((kind, _, detail),) = await told()
        assert kind == "tenant.enabled"
        assert set(str(detail["open"]).split()) >= {"administrators", "message", "announced"}
        now = world.engine.now()
        assert (await settings("alpha")).enabled_at == now
        world.clock.advance(5)
        assert await change(enabled=True, factors=("email",)) is None
        assert await told() == [("tenant.changed", "", {"factors": "email"})]
        kept = await settings("alpha")
        assert (kept.enabled_at, kept.factors, kept.announced_at, kept.tested_at) == (now, ("email",), 0, 0)
        assert await desk.mark(EVE, "alpha", announced=True) is None
        assert await desk.mark(EVE, "alpha", tested=True) is None
        assert await told() == [("tenant.message", "announced", {}), ("tenant.message", "tested", {})]
        kept = await settings("alpha")
        assert (kept.announced_at, kept.tested_at) == (now + 5, now + 5)
        assert await desk.end_proofs(EVE, "alpha", reason=" a  leak ", confirm="alpha") is None
        assert await told() == [("tenant.proofs_ended", "a leak", {})]
        assert (await settings("alpha")).epoch == kept.epoch + 1
        for given, member in (
            ({"confirm": "Alpha", "enabled": True}, "confirm"),
            ({"factors": ()}, "factors"),
            ({"factors": ("email", "email")}, "factors"),
            ({"factors": ("fax",)}, "factors"),
        ):
            refused = await change(**given)
            assert isinstance(refused, Refusal)
            assert refused.member == member
        assert await told() == []


async def test_settings_that_others_keep_changing(monkeypatch: pytest.MonkeyPatch) -> None:
    """After many lost races the person is asked to try again in a second."""
    async with running(make_world(policy=DESK)) as world:

        async def lost(*_: object) -> bool:
            return False

        monkeypatch.setattr(world.store, "swap_settings", lost)
        refused = await world.gate.service.tenant_desk.mark(EVE, "alpha", announced=True)
        assert refused == Refusal(reason="too_soon", retry_after=1)
        with pytest.raises(StoreContention):
            await world.gate.service.automation.create(
                "operator:eve", "alpha", name="hr", rights=["look"], everywhere=False, life=DAY, reason="hr"
            )


async def test_the_checklist_is_for_turning_on_alone() -> None:
    """Once it is on, or where factors are chosen, an open line hinders nothing."""
    choosing = with_rules(
        lambda rules: replace(
            CLOSED.base,
            factors=replace(rules.factors, choice="tenant"),
            enrollment=replace(rules.enrollment, stage="admin"),
        )
    )
    async with running(make_world(policy=choosing)) as world:
        desk, eve = world.gate.service.tenant_desk, Actor(name="operator:eve")

        async def set_(enabled: bool | None, *factors: str) -> str:
            done = await desk.set(eve, "alpha", enabled=enabled, factors=factors or None, confirm="alpha")
            return done.reason if done else ""

        assert await set_(True) == "not_allowed"
        assert await set_(None, "totp") == ""
        assert (await world.store.settings("alpha")).enabled_at == 0
        settings = await world.store.settings("alpha")
        assert await world.store.swap_settings(replace(settings, enabled_at=START))
        assert await set_(True, "totp", "email") == ""
        assert (await world.store.settings("alpha")).factors == ("totp", "email")


async def test_a_test_message_is_in_the_language_of_the_page() -> None:
    """The administrator reads it as the page was read."""
    async with running(make_world()) as world:
        boss, subjects = await administrator(world, "admin"), dict[str, str]()
        assert boss.caller is not None
        for lang in ("en", "de"):
            who = replace(boss, caller=replace(boss.caller, lang=lang))
            assert await world.gate.service.tenant_messages.send_trial(who, "alpha") is None
            subjects[lang] = world.email.messages[-1].subject
        assert subjects["en"] != subjects["de"]
        assert [event.reason for event in world.kinds("tenant.message")] == ["trial", "trial"]
