"""The phone's answers, when the account has changed between the look and the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.service import Actor, Done
from tests.harness import World, running
from tests.service.meanwhile import before
from tests.web.phones import begin, enrolled, push_world

ANN = SubjectKey("alpha", "ann")
PLACE = '{"endpoint": "https://push.example/x"}'


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Ann approves on her phone."""
    async with running(push_world()) as made:
        yield made


async def act(world: World, action: str, *, ticket: str = "") -> None:
    """Do an operator's act on Ann's account."""
    desk = world.gate.service.account_desk
    assert isinstance(await desk.act(Actor(name="operator:eve"), action, ANN, reason="r", ticket=ticket), Done)


@pytest.mark.parametrize("verb", ["approve", "deny", "cancel"])
@pytest.mark.parametrize(
    ("happened", "want"),
    [("lock", (403, "locked")), ("end-sessions", (422, "code_expired")), ("cancelled", (422, "code_expired"))],
)
async def test_an_answer_that_comes_too_late(
    world: World, monkeypatch: pytest.MonkeyPatch, verb: str, happened: str, want: tuple[int, str]
) -> None:
    """After a lock, an end of all sessions or another answer, an answer does nothing.

    It costs no attempt, and the browser that asked does not get in.
    """
    browser, phone, id = await enrolled(world)
    asked = await begin(browser, id)
    world.events.clear()
    shown = phone.body(await phone.look(), asked["number"] if verb == "approve" else "", verb=verb)
    first = phone.body(await phone.look(), "", verb="cancel")

    async def deed() -> None:
        if happened == "cancelled":
            assert (await phone.post("answer", first)).status == 200
        else:
            await act(world, happened)

    done = before(monkeypatch, world, "swap", deed)
    reply = await phone.post("answer", shown)
    assert done
    assert (reply.status, reply.reason) == want
    assert (await world.account()).attempts.used == 0
    assert not world.kinds("challenge.approved")
    assert not world.kinds("challenge.denied")
    collected = {"authenticator": id, "challenge": asked["challenge"], "response": ""}
    assert (await browser.api("POST", "verify", collected)).status >= 400
    assert not await browser.is_in()


@pytest.mark.parametrize("verb", ["deny", "cancel"])
async def test_two_answers_at_once(world: World, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    """After an approval no denial counts: one answer, one event, one way in."""
    browser, phone, id = await enrolled(world)
    asked = await begin(browser, id)
    world.events.clear()
    shown = phone.body(await phone.look(), "", verb=verb)
    first = phone.body(await phone.look(), asked["number"])

    async def deed() -> None:
        assert (await phone.post("answer", first)).status == 200

    done = before(monkeypatch, world, "swap", deed)
    reply = await phone.post("answer", shown)
    assert done
    assert (reply.status, reply.reason) == (422, "code_already_used")
    assert [event.kind for event in world.events] == ["challenge.approved"]
    collected = {"authenticator": id, "challenge": asked["challenge"], "response": ""}
    assert (await browser.api("POST", "verify", collected)).json()["state"] == "verified"
    assert (await world.account()).attempts.used == 0


@pytest.mark.parametrize("happened", ["reset", "lock"])
async def test_a_phone_that_is_gone_or_locked_says_where_it_is_woken(
    world: World, monkeypatch: pytest.MonkeyPatch, happened: str
) -> None:
    """A phone that was removed meanwhile has no address to keep; a locked one has."""
    _, phone, id = await enrolled(world)
    done = before(monkeypatch, world, "swap", lambda: act(world, happened, ticket="T" if happened == "reset" else ""))
    reply = await phone.wake(PLACE)
    assert done
    account = await world.account()
    if happened == "reset":
        assert (reply.status, reply.reason) == (404, "not_found")
        assert account.authenticators == ()
    else:
        assert reply.status == 200
        assert account.authenticator(id) is not None
        assert account.lock is not None
