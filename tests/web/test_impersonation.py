"""Impersonation (V-49, contract 8).

The actor is judged, both stand in the trail, and the app sees the subject.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mfa_gate import Subject, require_proof
from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import PathRule, RoleRules, Rules, StepUpRule, SubjectExemption
from mfa_gate.identity import FirstOf, SessionUser, Unreadable
from mfa_gate.web.open_connections import OpenConnections
from tests.harness import FETCH, Browser, World, make_world, routes, running, socket_scope, with_rules
from tests.web.lasting import by_hand, chat, hold, look, session_of

READER = SessionUser("user_id", tenant="org", groups="groups", session="sid", actor="impersonator")


async def who(request: Request) -> Response:
    """Answer with all that the app knows: the person of its own session."""
    return JSONResponse({"user": request.session.get("user_id")})


def rules_here(rules: Rules) -> Rules:
    """Patients are exempt, finance needs a passkey at /pay.

    Staff outside of finance a fresh proof at /note.
    """
    return dataclasses.replace(
        rules,
        factors=dataclasses.replace(rules.factors, allowed=(*rules.factors.allowed, "webauthn")),
        exempt_subjects=(SubjectExemption(name="patients", groups_any=("patient",), reason="tests"),),
        step_up=(
            StepUpRule(name="pay", paths=(PathRule(text="/pay/**"),), groups_any=("finance",), phishing_resistant=True),
            StepUpRule(name="note", paths=(PathRule(text="=/note"),), groups_none=("trusted",), max_age=Seconds(60)),
        ),
        roles=RoleRules(look=("admin",), unlock=("admin",), reset=("admin",), audit=("admin",)),
    )


def make(**more: Any) -> World:
    """A host whose support staff may act as somebody else; its session then names both."""

    async def demanding(request: Request) -> Response:
        return JSONResponse({})

    app = Starlette(
        routes=[
            Route("/who", who),
            Route("/pay/one", who),
            Route("/note", who),
            Route("/strict", require_proof("1m")(demanding)),
            *routes(),
        ]
    )
    return make_world(app=app, identify=READER, policy=with_rules(rules_here), **more)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """One that is open."""
    async with running(make()) as made:
        yield made


async def act_as(browser: Browser, id: str, *, groups: tuple[str, ...] = (), actor: str = "") -> None:
    """Let the person of ``browser`` begin to act as ``id``.

    The host writes both into the session of this sign-in.
    """
    session = {**session_of(browser), "user_id": id, "groups": list(groups), "impersonator": actor or browser.id}
    await browser.ask("POST", "/login", body=json.dumps(session).encode())


async def stop(browser: Browser) -> None:
    """Be oneself again."""
    await browser.ask("POST", "/login", body=json.dumps(session_of(browser)).encode())


async def test_the_actors_factor_opens_and_the_subjects_does_not(world: World) -> None:
    """Support has proven its own factor: it may act.

    Ann's account owes nothing, is not read and not changed.
    """
    bob = await world.enrolled("bob")
    await act_as(bob, "ann")
    assert (await bob.ask("GET", "/who", headers=FETCH)).json() == {"user": "ann"}
    assert (await bob.ask("GET", "/who", headers=FETCH)).json() == {"user": "ann"}  # remembered
    assert not (await world.account("ann")).version


async def test_an_actor_without_a_factor_owes_it(world: World) -> None:
    """The subject's own factor and proof in another browser help nobody who acts in its name."""
    ann = await world.enrolled("ann")
    bob = await world.browser("bob")
    await act_as(bob, "ann")
    assert not await bob.is_in()
    assert (await bob.state())["state"] == "enroll"
    bob.cookies.update({name: value for name, value in ann.cookies.items() if name.startswith("mfa-")})
    assert not await bob.is_in()
    await bob.enroll()
    assert await bob.is_in()
    assert await bob.authenticator("totp")
    assert await ann.is_in()


async def test_attempts_and_locks_are_the_actors(world: World) -> None:
    """Wrong answers lock the actor, in every guise; the subject is locked for nobody."""
    bob, ann = await world.enrolled("bob"), await world.enrolled("ann")
    await act_as(bob, "ann")
    await bob.lock()
    assert (await world.account("ann")).lock is None
    assert (await world.account("ann")).attempts.used == 0
    other = await world.browser("bob")
    for target in ("ann", "cid"):
        await act_as(other, target)
        assert (await other.state())["state"] == "locked"
    assert await ann.is_in()


async def test_a_locked_subject_can_be_looked_at(world: World) -> None:
    """Support acts as somebody who is locked out: it is the actor's account that counts."""
    ann = await world.enrolled("ann")
    await ann.lock()
    bob = await world.enrolled("bob")
    await act_as(bob, "ann")
    assert await bob.is_in()


async def test_both_stand_in_the_trail(world: World) -> None:
    """One line says who acts as whom, before the request passes.

    Each event of the actor meanwhile names the subject.
    """
    bob = await world.enrolled("bob")
    await act_as(bob, "ann")
    for _ in range(3):
        assert await bob.is_in()
    world.clock.advance(31)
    assert await bob.is_in()
    (line,) = world.kinds("account.impersonated")
    assert (line.account, line.actor, line.tenant) == ("ann", "bob", "alpha")
    assert line.network
    assert line in (await world.store.events("alpha", account="ann")).items
    await bob.guess()
    failed = world.kinds("attempt.failed")[-1]
    assert (failed.account, failed.actor, failed.detail["acts_as"]) == ("bob", "bob", "ann")
    await bob.prove()
    assert world.kinds("proof.granted")[-1].detail["acts_as"] == "ann"
    await stop(bob)
    await bob.guess(1000)
    assert "acts_as" not in world.kinds("attempt.failed")[-1].detail
    world.clock.advance(12 * 3600)
    await act_as(bob, "ann")
    assert await bob.is_in()
    assert len(world.kinds("account.impersonated")) == 2


async def test_two_workers_write_one_line(world: World) -> None:
    """The line of who acts as whom is written once in twelve hours, whichever worker is asked.

    Other pairs have lines of their own.
    """
    bob = await world.enrolled("bob")
    await act_as(bob, "ann")
    assert await bob.is_in()
    second = make(store=world.store, clock=world.clock)
    elsewhere = Browser(second, cookies=dict(bob.cookies))
    assert await elsewhere.is_in()
    lines = (await world.store.events("alpha", kind="account.impersonated", limit=10)).items
    assert [line.account for line in lines] == ["ann"]
    await act_as(bob, "zoe")
    assert await bob.is_in()
    world.clock.advance(12 * 3600)
    elsewhere.cookies = {**bob.cookies}
    assert await elsewhere.is_in()
    lines = (await world.store.events("alpha", kind="account.impersonated", limit=10)).items
    assert sorted(line.account for line in lines) == ["ann", "zoe", "zoe"]
    await second.gate.service.engine.effects.idle()


async def test_a_remembered_decision_is_for_one_pair(world: World) -> None:
    """A decision for the actor alone, or as ann, is judged anew for another guise.

    Another actor gets nothing.
    """
    bob = await world.enrolled("bob")
    assert await bob.is_in()
    for target in ("ann", "cid", "ann"):
        await act_as(bob, target)
        assert await bob.is_in()
    assert [event.account for event in world.kinds("account.impersonated")] == ["ann", "cid"]
    await act_as(bob, "ann", actor="eve")
    assert not await bob.is_in()
    assert (await bob.state())["state"] == "enroll"
    await stop(bob)
    assert await bob.is_in()


async def test_pages_and_calls_act_on_the_actors_account(world: World) -> None:
    """The lists are the actor's, a removed authenticator is the actor's.

    Mails go to the actor.
    """
    ann, bob = await world.enrolled("ann"), await world.enrolled("bob")
    mine = await ann.authenticator("totp")
    await act_as(bob, "ann")
    listed = (await bob.api("GET", "authenticators")).json()["authenticators"]
    assert mine not in {line["id"] for line in listed}
    assert (await bob.api("DELETE", f"authenticators/{mine}")).status == 404
    world.clock.advance(60)
    await bob.enroll_email()
    assert world.email.messages[-1].to == "bob@alpha.example"
    assert {a.factor for a in (await world.account("bob")).authenticators} >= {"totp", "email"}
    page = await bob.page("/mfa")
    assert page.status == 200
    assert "Bob" in page.text
    assert "Ann" not in page.text


async def test_groups_of_the_subject_only_add(world: World) -> None:
    """An exempt subject exempts no actor; a demand on the subject's group holds.

    Being spared of one does not.
    """
    bob = await world.browser("bob")
    await act_as(bob, "pat", groups=("patient",))
    assert not await bob.is_in()
    await bob.enroll()
    assert await bob.is_in()
    await act_as(bob, "fay", groups=("finance",))
    assert (await bob.ask("GET", "/pay/one", headers=FETCH)).status == 403
    assert (await bob.ask("GET", "/who", headers=FETCH)).status == 200
    world.clock.advance(120)
    await act_as(bob, "tom", groups=("trusted",))
    assert (await bob.ask("GET", "/note", headers=FETCH)).status == 403
    ann = await world.enrolled("tim", groups=["trusted"])
    world.clock.advance(120)
    assert (await ann.ask("GET", "/note", headers=FETCH)).status == 200


async def test_nobody_gets_the_subjects_rights(world: World) -> None:
    """Acting as an administrator opens no desk.

    Rights are of who is there, and those groups are not known.
    """
    await world.enrolled("zoe")
    bob = await world.enrolled("bob")
    await act_as(bob, "boss", groups=("admin",))
    assert (await bob.api("GET", "admin/accounts/zoe")).reason == "not_allowed"
    refused = await bob.api("POST", "admin/accounts/zoe/lock", {"reason": "because"})
    assert refused.reason == "not_allowed"
    assert (await world.account("zoe")).lock is None
    (*_, denied) = world.kinds("admin.denied")
    assert (denied.actor, denied.detail["acts_as"]) == ("bob", "boss")


async def test_a_floor_holds_while_acting(world: World) -> None:
    """Changing one's factors in another guise does not slip below a floor.

    Unknown groups are under every rule.
    """
    bob = await world.browser("bob")
    judgement = await world.gate.service.access.own(
        world.gate.web.callers.known(
            {**socket_scope("/"), "type": "http", "method": "GET"}, Subject("ann", "alpha", actor="bob"), "203.0.113.7"
        ).caller
    )
    assert [floor.rule for floor in judgement.requirement.floors] == ["pay"]
    assert (await bob.state())["state"] == "enroll"


async def test_step_up_and_status_are_the_actors(world: World) -> None:
    """``require_proof`` asks the actor, and ``gate.status`` tells of the actor's proof."""
    bob = await world.enrolled("bob")
    await act_as(bob, "ann")
    assert (await bob.ask("GET", "/strict", headers=FETCH)).status == 200
    world.clock.advance(120)
    assert (await bob.ask("GET", "/strict", headers=FETCH)).status == 403
    await bob.prove()
    assert (await bob.ask("GET", "/strict", headers=FETCH)).status == 200


async def test_sign_out_ends_the_actors_sign_in(world: World) -> None:
    """The sign-in that ends is the actor's.

    What was proven for it alone is over, in every guise.
    """
    bob = await world.enrolled("bob")
    await bob.prove(remember=False)
    await act_as(bob, "ann")
    await bob.ask("POST", "/logout")
    assert [event.account for event in world.kinds("session.ended")] == ["bob"]


async def test_an_open_connection_ends_with_the_actors_right(world: World) -> None:
    """The actor is locked: the websocket that was opened as ann ends.

    Ann's account did not change.
    """
    bob = await world.enrolled("bob")
    await act_as(bob, "ann")
    by_hand(world)
    scope = {
        **socket_scope("/chat", headers=[("cookie", bob.cookie_header())]),
        "session": {**session_of(bob), "user_id": "ann", "impersonator": "bob"},
    }
    socket = await hold(world, chat, scope)
    assert socket.is_open
    await (await world.gate.person(Subject("ann", "alpha"))).end_proofs("password changed")
    await look(world)
    assert socket.is_open
    await (await world.gate.person(Subject("bob", "alpha"))).end_proofs("left")
    await look(world)
    assert not socket.is_open
    assert isinstance(world.gate.web.connections, OpenConnections)


async def test_a_person_is_the_subject_not_the_actor(world: World) -> None:
    """The host ends ann's proofs while support acts as ann: ann is meant."""
    ann, bob = await world.enrolled("ann"), await world.enrolled("bob")
    person = await world.gate.person(Subject("ann", "alpha", actor="bob"))
    await person.end_proofs("password changed by support")
    assert not await ann.is_in()
    assert await bob.is_in()


async def test_two_adapters_must_name_the_same_actor() -> None:
    """One adapter sees the impersonation and the other does not.

    The app may believe either, so nobody passes.
    """
    plain = SessionUser("user_id", tenant="org", groups="groups", session="sid")
    with pytest.raises(Unreadable):
        await FirstOf(_Fixed(Subject("ann", actor="bob")), _Fixed(Subject("ann")))(None)
    assert plain.subject_of({"session": {"user_id": "ann", "impersonator": "bob"}}) == Subject("ann")


class _Fixed:
    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    async def __call__(self, connection: Any) -> Subject | None:
        return self.subject


def test_an_actor_is_an_id() -> None:
    """It has the form of an id, and somebody who acts as themselves is nobody's actor."""
    assert Subject("ann", actor="ann") == Subject("ann")
    assert Subject("ann", "alpha", actor="bob").key.id == "ann"
    assert Subject("ann", "alpha", actor="bob", session="s").judged == Subject("bob", "alpha", session="s")
    assert Subject("ann").judged == Subject("ann")
    for wrong in (" bob", "bo\x00b", "x" * 256, 7, None):
        with pytest.raises(ValueError, match="actor"):
            Subject("ann", actor=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [["bob"], {"id": "bob"}, True, 1.5])
def test_an_actor_that_cannot_be_read_is_no_plain_sign_in(value: object) -> None:
    """A session with an odd impersonator is refused.

    Taken for nobody, the subject's own factor would be asked.
    """
    with pytest.raises(ValueError):
        READER.subject_of({"session": {"user_id": "ann", "impersonator": value}})
