"""An actor sees one document of an account, made by the service.

It shows no more than the actor's rights, by JSON, by page and by command.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.model import Account, Asked, Attempts, Caller, Grant, Lock, Recovery, Seconds, Subject, SubjectKey
from mfa_gate.core.rules import Rules
from mfa_gate.service import Actor, Done
from mfa_gate.service.admin.documents import AccountDocument, account_document
from tests.harness import RULES, START, World, make_world, running, with_rules
from tests.service.admin.people import way

ANN = SubjectKey("alpha", "ann")


def helpers(rules: Rules) -> Rules:
    """One group may unlock and reset without a look, one may look without the trail."""
    roles = replace(
        rules.roles,
        unlock=(*rules.roles.unlock, "hands"),
        reset=(*rules.roles.reset, "hands"),
        look=(*rules.roles.look, "eyes"),
    )
    return replace(rules, roles=roles)


async def test_a_person_who_may_not_look_gets_no_account() -> None:
    """An actor without the right to look gets only the id and the tenant by JSON.

    This is the answer to an act. The look itself is refused.
    """
    async with running(make_world(policy=with_rules(helpers))) as world:
        await world.enrolled()
        hands = await world.enrolled("hands", groups=["hands"])
        for act, more in (("lock", {}), ("unlock", {}), ("reset", {"ticket": "T-1"})):
            reply = await hands.api("POST", f"admin/accounts/ann/{act}", {"reason": "called me", **more})
            assert (reply.status, reply.json()) == (200, {"id": "ann", "tenant": "alpha"})
        assert (await hands.api("GET", "admin/accounts/ann")).reason == "not_allowed"
        assert (await world.account("ann")).authenticators == ()


async def test_a_person_who_may_not_look_gets_no_page_of_the_account() -> None:
    """An act by page leads an actor without the right to look away from the account.

    No page that the actor opens or sends shows anything that is on file.
    """
    async with running(make_world(policy=with_rules(helpers))) as world:
        ann = await world.enrolled()
        kept = await world.account("ann")
        hands = await world.enrolled("hands", groups=["hands"])
        token = await hands.token("/mfa")
        path = "/mfa/admin/accounts/ann"
        done = await hands.form(path, {"action": "lock", "reason": "called me"}, token=token)
        assert (await world.account("ann")).lock is not None
        refused = await hands.form(path, {"action": "unlock", "reason": ""}, token=token)
        followed = await hands.page(done.location) if done.status == 303 else done
        for shown in (done, refused, followed, await hands.page(path)):
            assert not any(a.id in shown.text or a.label in shown.text for a in kept.authenticators)
            assert not any(browser.id in shown.text for browser in kept.browsers)
            assert ann.handle not in shown.text
        assert (await hands.page(path)).status == 403


async def test_a_person_who_may_look_gets_no_trail_by_json() -> None:
    """The document of an account has no events, so an actor with the right to look gets none.

    The call that lists events is refused, and so is their page.
    """
    async with running(make_world(policy=with_rules(helpers))) as world:
        await world.enrolled()
        eyes = await world.enrolled("eyes", groups=["eyes"])
        event = (await world.store.events("alpha", account="ann", limit=1)).items[0]
        seen = await eyes.api("GET", "admin/accounts/ann")
        assert seen.status == 200
        assert event.id not in seen.text
        assert (await eyes.api("GET", "admin/events?account=ann")).reason == "not_allowed"
        assert (await eyes.page("/mfa/admin/audit?account=ann")).status == 403


async def test_a_person_who_may_look_sees_no_trail() -> None:
    """The page of an account shows its events only to an actor who may read the trail."""
    async with running(make_world(policy=with_rules(helpers))) as world:
        await world.enrolled()
        boss = await world.enrolled("boss", groups=["admin"])
        eyes = await world.enrolled("eyes", groups=["eyes"])
        assert 'id="activity-title"' in (await boss.page("/mfa/admin/accounts/ann")).text
        seen = await eyes.page("/mfa/admin/accounts/ann")
        assert seen.status == 200
        assert 'id="activity-title"' not in seen.text
        event = (await world.store.events("alpha", account="ann", limit=1)).items[0]
        assert event.id not in seen.text


@pytest.mark.parametrize("way", ["json", "page"])
async def test_an_act_loads_the_account_once(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An act loads the account once.

    The change loads it. The answer is drawn from the account that was written.
    """
    async with running(make_world()) as world:
        await world.enrolled()
        boss = await world.enrolled("boss", groups=["admin"])
        token = await boss.token("/mfa")
        loads = counted(world, monkeypatch)
        if way == "json":
            reply = await boss.api("POST", "admin/accounts/ann/lock", {"reason": "x"})
            assert reply.json()["status"] == "locked"
        else:
            fields = {"action": "lock", "reason": "x"}
            assert (await boss.form("/mfa/admin/accounts/ann", fields, token=token)).status == 303
        assert loads.count(ANN) == 1, "the answer, as well as the change"


def counted(world: World, monkeypatch: pytest.MonkeyPatch) -> list[SubjectKey]:
    """Record every account that is loaded from the store.

    The loads by the mails after the commit are not recorded.
    """
    loads: list[SubjectKey] = []
    load = world.store.load
    monkeypatch.setattr(world.gate.service.engine.effects, "follow", nothing)

    async def noted(key: SubjectKey) -> Account:
        loads.append(key)
        return await load(key)

    monkeypatch.setattr(world.gate.service.engine.store, "load", noted)
    return loads


async def nothing(events: object, account: object) -> None:
    """Tell nobody of a change."""


async def test_an_operator_names_the_tenant() -> None:
    """An id that exists in two tenants is never guessed.

    Without a tenant there is no such account.
    """
    async with running(make_world()) as world:
        for tenant in ("alpha", "beta"):
            await world.enrolled("42", tenant)
        desk, operator = world.gate.service.account_desk, Actor(name="operator:eve")
        for key in (SubjectKey("", "42"), SubjectKey("nowhere", "42")):
            done = await desk.act(operator, "lock", key, reason="x")
            assert not isinstance(done, Done)
            assert done.reason == "not_found"
        assert not any([(await world.account("42", tenant)).lock for tenant in ("alpha", "beta")])


BOSS = Actor(name="boss", caller=Caller(subject=Subject("boss", "alpha"), handle="h", network=""))


def document(*, actor: Actor = BOSS, now: int = START, rules: Rules = RULES, **facts: Any) -> AccountDocument:
    """Make the document of an account with these facts."""
    told = {name: facts.pop(name) for name in ("holds_rights", "privileged") if name in facts}
    account = Account(key=ANN, version=1, **{name.removeprefix("own_"): fact for name, fact in facts.items()})
    return account_document(account, actor=actor, rules=rules, now=now, **told)


@pytest.mark.parametrize(
    ("own", "listed", "privileged", "holds", "may_act"),
    [
        (False, False, False, False, True),
        (False, False, True, False, True),
        (True, False, False, True, False),
        (True, False, True, True, True),
        (False, True, False, True, False),
        (False, True, True, True, True),
    ],
)
def test_on_whom_only_the_privileged_act(own: bool, listed: bool, privileged: bool, holds: bool, may_act: bool) -> None:
    """The account says that a person holds rights, or the directory does."""
    found = document(own_holds_rights=own, holds_rights=listed, privileged=privileged)
    assert (found.holds_rights, found.may_act) == (holds, may_act)


def test_the_attempts_of_an_account() -> None:
    """A locked one has none left."""
    used = Attempts(used=2)
    lock = Lock(at=1, cause="administrator", ref="R")
    for facts, left in (({}, 7), ({"attempts": used}, 5), ({"attempts": used, "lock": lock}, 0)):
        found = document(**facts)
        assert (
            found.attempts_max,
            found.attempts_left,
            found.attempts_max - found.attempts_left >= found.attempts_used,
        ) == (
            7,
            left,
            True,
        )


@pytest.mark.parametrize(("age", "held"), [(0, True), (3599, True), (3600, False)])
def test_a_request_for_help_is_held(age: int, held: bool) -> None:
    """The document says until when. It opens nothing by itself if the policy names no wait."""
    rules = replace(RULES, recovery=replace(RULES.recovery, hold=Seconds(3600)))
    found = document(
        rules=rules, now=START + age, recovery=Recovery(ref="R", at=START, about="lake", network="")
    ).recovery
    assert found is not None
    assert (found.held_until, found.is_held, found.opens_at, found.at) == (START + 3600, held, 0, START)


def test_an_act_that_waits_has_its_end() -> None:
    """It waits for an hour, and the one who asked does not confirm it."""
    asked = Asked(act="remove", ref="A", asked_by="boss", asked_in="alpha", asked_at=START, reason="r", item="totp-1")
    facts: dict[str, Any] = {"asked": asked, "authenticators": (way("totp"),)}
    found = document(now=START + 3599, **facts).asked
    assert found is not None
    assert (found.confirm_until, found.item, found.own) == (START + 3600, "totp", True)
    other = document(now=START, **{**facts, "asked": replace(asked, asked_in="beta", item="gone")}).asked
    assert other is not None
    assert (other.item, other.own) == ("", False)
    assert document(now=START + 3600, **facts).asked is None
    assert document().asked is None


def test_a_grant_has_its_hours_and_its_end() -> None:
    """A request waits for an hour; a grant is shown while it is in force."""
    grant = Grant(
        ref="G", asked_by="boss", asked_in="alpha", asked_at=START, reason="r", ticket="T", life=4 * 3600, epoch=0
    )
    found = document(grant=grant, now=START + 3599).grant
    assert found is not None
    assert (found.hours, found.confirm_until, found.ends_at, found.browsers, found.own) == (4, START + 3600, 0, 0, True)
    assert document(grant=grant, now=START + 3600).grant is None
    opened = replace(grant, ends_at=START + 5 * 3600, confirmed_by="mary", browsers=(("a", 1), ("b", 2)))
    shown = document(grant=opened, now=START + 5 * 3600 - 1).grant
    assert shown is not None
    assert (shown.ends_at, shown.browsers, shown.confirmed_by) == (START + 5 * 3600, 2, "mary")
    assert document(grant=opened, now=START + 5 * 3600).grant is None
    assert document().grant is None
