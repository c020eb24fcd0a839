"""A person's life as the host reports it.

``await gate.person(subject)`` (V-24, contract 8).
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mfa_gate import (
    EnrollmentTicket,
    Forgotten,
    Person,
    PersonChange,
    PersonStatus,
    Refused,
    SettingsError,
    Subject,
)
from mfa_gate.core.model import Account, SubjectKey, Ticket
from mfa_gate.core.reasons import Refusal
from mfa_gate.errors import StoreUnavailable
from mfa_gate.service import Actor
from mfa_gate.service.person import _raise_if_refused
from mfa_gate.service.trail_verification import verify_trail
from mfa_gate.stores.memory import MemoryStore
from tests.harness import PAGE, SECRET, START, World, key, log_in, make_world, running, secret, with_rules
from tests.service.admin.people import administrator
from tests.stores.servers import single
from tests.web.lasting import Parts, asked, by_hand, chat, hold, look

ANN = Subject("ann", "alpha")


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for the tests of this file."""
    with single(tmp_path_factory.mktemp("redis"), "--appendonly", "no") as server:
        yield f"redis://127.0.0.1:{server.port}"


@pytest.fixture(params=["memory", "sqlite", "redis"])
async def worlds(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[World, World]]:
    """Two workers of one app on one store."""
    stores: list[Any]
    match request.param:
        case "memory":
            first = MemoryStore()
            stores = [first, first.another()]
        case "sqlite":
            stores = [f"sqlite:///{tmp_path}/mfa.db"] * 2
        case _:
            url = request.getfixturevalue("redis_url")
            number = len(_used)
            _used.append(number)
            stores = [f"{url}/{number}?durable=false"] * 2
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(running(make_world(store=stores[0])))
        two = await stack.enter_async_context(running(make_world(store=stores[1], clock=one.clock)))
        yield one, two


_used: list[int] = []


async def told(world: World) -> None:
    """Let the other worker hear what the first one wrote."""
    await asyncio.sleep(0.1)


# -- answers -----------------------------------------------------------------------------------------------------------


async def test_the_state_of_a_person_outside_of_a_request(worlds: tuple[World, World]) -> None:
    """Unknown, enrolled, locked.

    The state is that of a browser which has proven nothing, in every worker.
    """
    one, two = worlds
    stranger = await (await two.gate.person(ANN)).status()
    assert stranger == PersonStatus(
        state="enroll",
        enrolled=False,
        factors=(),
        attempts_remaining=7,
        browsers=0,
        proofs=0,
        locked_at=0,
        last_proof_at=0,
        ticket_ends_at=0,
    )
    assert not (await one.account()).version  # a look writes nothing
    ann = await one.enrolled()
    person = await two.gate.person(ANN)
    found = await person.status()
    assert (found.state, found.enrolled, found.factors[0]) == ("challenge", True, "totp")
    assert (found.browsers, found.proofs, found.last_proof_at) == (1, 1, START)
    (app, *codes) = await person.authenticators()
    assert (app.factor, app.is_default, app.created_at) == ("totp", True, START)
    assert [mine.factor for mine in codes] == ["backup-code"]
    assert ann.secret not in repr(await person.authenticators())
    await ann.lock()
    found = await person.status()
    assert (found.state, found.attempts_remaining, found.locked_at) == ("locked", 0, one.clock.at)


async def test_state_follows_policy_and_groups() -> None:
    """The state says so if the policy demands nothing."""
    optional = Subject("ann", "optional")
    async with running(make_world()) as world:
        assert (await (await world.gate.person(optional)).status()).state == "enroll"
    off = with_rules(
        lambda rules: dataclasses.replace(rules, enrollment=dataclasses.replace(rules.enrollment, stage="off"))
    )
    async with running(make_world(policy=off)) as world:
        assert (await (await world.gate.person(ANN)).status()).state == "off"


def test_results_are_frozen_values() -> None:
    """A result is a value, which nobody changes afterwards."""
    for value in (PersonChange(ref="x"), EnrollmentTicket(text="x", ends_at=1), Forgotten(pseudonym="x", ref="x")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, dataclasses.fields(value)[0].name, "y")


# -- end_proofs --------------------------------------------------------------------------------------------------------


async def test_all_proofs_end_in_every_worker_at_once(worlds: tuple[World, World]) -> None:
    """Password changed: remembered decisions are gone.

    The open websocket of the other worker ends with 4401.
    """
    one, two = worlds
    ann = await one.enrolled()
    elsewhere = await two.browser()
    elsewhere.cookies.update(ann.cookies)
    by_hand(two)
    assert await ann.is_in()
    assert await elsewhere.is_in()
    assert await elsewhere.is_in()  # remembered
    socket = await hold(two, chat, asked(elsewhere, "/chat", kind="websocket"))
    assert socket.is_open
    done = await (await one.gate.person(ANN)).end_proofs("password changed")
    await told(two)
    await look(two)
    assert not socket.is_open
    assert socket.sent[-1]["code"] == 4401
    assert not await ann.is_in()
    assert not await elsewhere.is_in()
    assert (await elsewhere.state())["reason"] == "revoked"
    (event,) = one.kinds("proofs.revoked")
    assert (event.id, event.actor, event.reason, event.account) == (done.ref, "host", "password changed", "ann")
    assert "again in every browser" in one.email.messages[-1].text
    await elsewhere.prove(ann.secret)
    assert await elsewhere.is_in()


async def test_nothing_is_left_that_becomes_a_proof(worlds: tuple[World, World]) -> None:
    """Codes under way, drafts, skips and a break-glass grant end as well.

    Only a new second factor lets anybody in.
    """
    one, _ = worlds
    ann = await one.enrolled()
    await ann.enroll_email()
    one.clock.advance(120)
    sent = (await ann.api("POST", "challenge", {"authenticator": await ann.authenticator("email")})).json()
    person = await one.gate.person(ANN)
    await person.end_proofs("account disabled")
    account = await one.account()
    assert (account.challenges, account.enrollments, account.skips, account.leave, account.grant) == (
        (),
        (),
        (),
        None,
        None,
    )
    answer = {"challenge": sent["challenge"], "response": one.email.codes[-1]}
    assert (await ann.api("POST", "verify", answer)).status >= 400
    assert len(account.authenticators) == 3


async def test_an_unknown_person_has_nothing_to_end(worlds: tuple[World, World]) -> None:
    """Nothing is written for somebody who never came by."""
    one, _ = worlds
    person = await one.gate.person(ANN)
    assert await person.end_proofs("password changed") == PersonChange(ref="")
    assert await person.reset("4711", "leaver") == PersonChange(ref="")
    assert await person.forget() == Forgotten(pseudonym="", ref="")
    assert not (await one.account()).version
    assert one.events == []


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines\x07", "x" * 201])
async def test_a_reason_is_one_line(reason: str) -> None:
    """The host's own mistake is an exception that names the argument, and nothing is done."""
    async with running(make_world()) as world:
        ann = await world.enrolled()
        person = await world.gate.person(ANN)
        for act in (person.end_proofs(reason), person.reset("4711", reason)):
            with pytest.raises(ValueError, match="reason"):
                await act
        with pytest.raises(ValueError, match="ticket"):
            await person.reset(reason, "leaver")
        assert await ann.is_in()


# -- reset and ticket --------------------------------------------------------------------------------------------------


async def test_a_reset_leads_to_a_first_enrollment(worlds: tuple[World, World]) -> None:
    """Every factor is gone, ``on_reset``'s event names host, ticket and reason.

    A ticket lets the person enroll.
    """
    one, two = worlds
    ann = await two.enrolled()
    person = await one.gate.person(ANN)
    with pytest.raises(Refused, match="already_enrolled") as refused:
        await person.ticket()
    assert (refused.value.reason, refused.value.retry_after) == ("already_enrolled", 0)
    done = await person.reset("4711", "phone lost")
    (event,) = one.kinds("account.reset")
    assert (event.id, event.actor, event.ticket, event.reason) == (done.ref, "host", "4711", "phone lost")
    await told(two)
    assert not await ann.is_in()
    assert await person.authenticators() == ()
    ticket = await person.ticket("2h")
    assert ticket.ends_at == one.clock.at + 7200
    assert (await person.status()).ticket_ends_at == ticket.ends_at
    assert ticket.text not in repr(one.events)
    for life in (0, 59, 31 * 86_400, "31d", "soon", "-1s"):
        with pytest.raises(ValueError, match=r"life|duration"):
            await person.ticket(life)


async def test_a_ticket_lets_a_person_enroll() -> None:
    """A ticket of the host is as good as one of an administrator, once."""
    tickets = with_rules(
        lambda rules: dataclasses.replace(rules, enrollment=dataclasses.replace(rules.enrollment, first="ticket"))
    )
    async with running(make_world(policy=tickets)) as world:
        ticket = await (await world.gate.person(ANN)).ticket(600)
        ann = await world.browser()
        assert (await ann.api("POST", "enroll", {"factor": "totp"})).status == 403
        redeemed = await ann.form("/mfa/enroll", {"action": "ticket", "ticket": ticket.text})
        assert redeemed.status == 303
        await ann.enroll()
        assert await ann.is_in()


# -- forget ------------------------------------------------------------------------------------------------------------


async def test_a_forgotten_person_starts_anew(worlds: tuple[World, World]) -> None:
    """Nothing of the old account comes back.

    No factor, name, lock, agreement, browser or failure.
    """
    one, two = worlds
    ann = await one.enrolled()
    await ann.page("/mfa")  # the page asks for the name
    await ann.lock()
    person = await two.gate.person(ANN)
    gone = await person.forget()
    assert gone.pseudonym.startswith("forgotten-")
    (event,) = two.kinds("account.forgotten")
    assert (event.id, event.account, event.actor) == (gone.ref, gone.pseudonym, "host")
    account = await one.account()
    assert account.is_unknown
    assert account == account.without_person()
    await told(one)
    assert not any('"ann"' in link.line for link in await one.store.links("alpha"))
    assert await verify_trail(one.store) == {}
    assert (await one.store.events("alpha", account=gone.pseudonym)).items[0].id == gone.ref
    assert (await ann.state())["state"] == "enroll"
    assert await person.authenticators() == ()
    assert (await person.status()).state == "enroll"
    for world in worlds:
        assert (await world.store.page("alpha")).items == ()
        assert (await world.store.page("alpha", query="ann")).items == ()
        assert await world.store.keys() == ()
    assert await person.forget() == Forgotten(pseudonym="", ref="")
    again = await one.enrolled()
    assert await again.is_in()
    assert [line.key for line in (await two.store.page("alpha")).items] == [SubjectKey("alpha", "ann")]
    other = await person.forget()
    assert other.pseudonym not in ("", gone.pseudonym)


async def test_a_forgotten_person_is_cut_off_at_once(worlds: tuple[World, World]) -> None:
    """The proof of before is worth nothing in any worker.

    A remembered decision that is fresh is no exception.
    """
    one, two = worlds
    ann = await one.enrolled()
    by_hand(two)
    elsewhere = await two.browser()
    elsewhere.cookies.update(ann.cookies)
    assert await elsewhere.is_in()
    socket = await hold(two, chat, asked(elsewhere, "/chat", kind="websocket"))
    await (await one.gate.person(ANN)).forget()
    await told(two)
    await look(two)
    assert not socket.is_open
    assert not await elsewhere.is_in()
    assert not await ann.is_in()


async def test_a_passkeys_name_is_free_again(worlds: tuple[World, World]) -> None:
    """The reservations of a forgotten person go too.

    Another account may take the same key or spelling.
    """
    one, _ = worlds
    await one.enrolled()
    key, other = SubjectKey("alpha", "ann"), SubjectKey("alpha", "bob")
    account = await one.account()
    mine = dataclasses.replace(account.authenticators[0], data={**account.authenticators[0].data, "claim": "cred:1"})
    assert await one.store.claim("cred:1", key)
    assert await one.store.swap(dataclasses.replace(account, authenticators=(mine,)))
    await (await one.gate.person(ANN)).forget()
    assert await one.store.claim("cred:1", other)
    await one.enrolled("ANN")
    assert one.kinds("account.lookalike") == []


async def test_a_damaged_account_is_forgotten_too(tmp_path: Path) -> None:
    """A record that cannot be read keeps nobody from being erased."""
    file = tmp_path / "mfa.db"
    async with running(make_world(store=f"sqlite:///{file}")) as world:
        ann = await world.enrolled()
        with contextlib.closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("UPDATE account SET body = x'00'")
        person = await world.gate.person(ANN)
        with pytest.raises(StoreUnavailable):
            await person.end_proofs("password changed")
        gone = await person.forget()
        assert gone.ref
        assert (await world.account()).is_unknown
        assert await verify_trail(world.store) == {}
        assert not await ann.is_in()
        assert (await ann.state())["state"] == "enroll"


async def test_an_administrator_finds_nobody() -> None:
    """The desk knows a forgotten person as little as somebody who never came."""
    async with running(make_world()) as world:
        await world.enrolled()
        await (await world.gate.person(ANN)).forget()
        desk = world.gate.service.account_desk
        found = await desk.account(Actor(name="operator:x"), ANN.key)
        assert getattr(found, "reason", "") == "not_found"
        refused = await desk.act(Actor(name="operator:x"), "lock", ANN.key, reason="test")
        assert getattr(refused, "reason", "") == "not_found"


# -- the README --------------------------------------------------------------------------------------------------------


async def test_the_recipe_of_the_readme(root: Path) -> None:
    """The functions of the README do what their comments say."""
    text = (root / "src/mfa_gate/service/README.md").read_text()
    code = (
        text.split("```python person\n", 1)[1]
        .split("```", 1)[0]
        .replace("Subject(user_id)", 'Subject(user_id, "alpha")')
    )
    async with running(make_world()) as world:
        names: dict[str, Any] = {"gate": world.gate, "Subject": Subject}
        exec(code, names)
        ann = await world.enrolled()
        for act in ("password_changed", "account_disabled"):
            await names[act]("ann")
            assert not await ann.is_in()
            await ann.prove()
            assert await ann.is_in()
        assert await names["phone_replaced"]("ann", "4711")
        assert (await world.account()).authenticators == ()
        assert (await world.account()).ticket is not None
        await names["person_deleted"]("ann")
        assert (await world.account()).is_unknown


# -- where it is called from -------------------------------------------------------------------------------------------


def host_with_acts(gates: list[Any]) -> Starlette:
    """An app that reports a changed password in a route, and in a task after the answer."""

    async def change_password(request: Request) -> Response:
        person = await gates[0].person(ANN)
        done = await person.end_proofs("password changed")
        return JSONResponse({"ref": done.ref})

    async def later(request: Request) -> Response:
        async def work() -> None:
            await (await gates[0].person(ANN)).end_proofs("account disabled")

        return JSONResponse({}, background=BackgroundTask(work))

    return Starlette(
        routes=[
            Route("/login", log_in, methods=["POST"]),
            Route("/open/password", change_password, methods=["POST"]),
            Route("/open/later", later, methods=["POST"]),
            Route("/records", secret),
        ]
    )


async def test_from_a_route_and_a_background_task() -> None:
    """A route and the task behind its answer may call it, in the request that the act ends."""
    gates: list[Any] = []
    async with running(make_world(app=host_with_acts(gates))) as world:
        gates.append(world.gate)
        ann = await world.enrolled()
        reply = await ann.ask("POST", "/open/password", headers=PAGE)
        assert reply.json()["ref"] == world.kinds("proofs.revoked")[0].id
        assert not await ann.is_in()
        await ann.prove()
        assert await ann.is_in()
        await ann.ask("POST", "/open/later", headers=PAGE)
        assert [event.reason for event in world.kinds("proofs.revoked")] == ["password changed", "account disabled"]
        assert not await ann.is_in()


async def test_the_answer_of_the_request_that_acts_arrives() -> None:
    """A slow answer after the act is not cut; another request of the same person is."""
    going, gates = asyncio.Event(), list[Any]()

    async def change_password(scope: Any, receive: Any, send: Any) -> None:
        await (await gates[0].person(ANN)).end_proofs("password changed")
        await going.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"changed"})

    async with running(make_world()) as world:
        gates.append(world.gate)
        ann, boss = await world.enrolled(), await world.enrolled("boss")
        by_hand(world)
        download, other = Parts(), Parts()
        slow = await hold(world, download, asked(ann, "/records"))
        stranger = await hold(world, other, asked(boss, "/records"))
        acting = await hold(world, change_password, asked(ann, "/password", method="POST"))
        await asyncio.sleep(0.1)
        await look(world)
        going.set()
        await asyncio.sleep(0.05)
        assert (acting.is_open, acting.body, acting.error) == (False, b"changed", None)
        await download.part()
        await other.part()
        assert (slow.body, stranger.body) == (b"", SECRET)
        await other.part(last=True)


async def test_before_the_first_request_and_in_a_script(tmp_path: Path) -> None:
    """The gate is opened by the call itself.

    ``gate.lifespan()`` closes it at the end of a script.
    """
    store = f"sqlite:///{tmp_path}/mfa.db"
    async with running(make_world(store=store)) as world:
        await world.enrolled()
    script = make_world(store=store)
    async with script.gate.lifespan():
        person = await script.gate.person(ANN)
        assert (await person.end_proofs("left the company")).ref
    fresh = make_world(store=store)
    assert isinstance(await fresh.gate.person(ANN), Person)
    assert (await (await fresh.gate.person(ANN)).status()).proofs == 0
    await fresh.gate.web.aclose()


async def test_a_gate_that_cannot_start_says_so(tmp_path: Path) -> None:
    """The faults of a start are the same here: nothing is done by a gate with the wrong keys."""
    store = f"sqlite:///{tmp_path}/mfa.db"
    async with running(make_world(store=store)):
        pass
    with pytest.raises(SettingsError):
        await make_world(store=store, keys=[key(2)]).gate.person(ANN)


async def test_only_a_subject_names_a_person() -> None:
    """A bare id would be somebody of the tenant "default": it is refused."""
    async with running(make_world()) as world:
        for wrong in ("ann", None, ANN.key):
            with pytest.raises(TypeError, match="Subject"):
                await world.gate.person(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "error", "text", "wait"),
    [
        (Refusal(reason="too_soon", retry_after=60), Refused, "too_soon: ", 60),
        (Refusal(reason="already_enrolled", detail="It is there."), Refused, "already_enrolled: It is there.", 0),
        (
            Refusal(reason="malformed", member="ticket"),
            ValueError,
            "ticket: must be one printable line of 1 to 200 characters",
            None,
        ),
    ],
)
def test_a_refusal_is_raised_in_words(answer: Refusal, error: type[Exception], text: str, wait: int | None) -> None:
    """The host reads the reason, its words or the detail, and the seconds to wait."""
    with pytest.raises(error) as caught:
        _raise_if_refused(answer)
    assert str(caught.value).startswith(text)
    assert str(caught.value) != "too_soon: "
    assert getattr(caught.value, "retry_after", None) == wait
    _raise_if_refused(None)


@pytest.mark.parametrize(
    ("life", "seconds"),
    [(59, 0), (60, 60), ("1m", 60), (30 * 86_400, 30 * 86_400), ("30d", 30 * 86_400), (30 * 86_400 + 1, 0)],
)
async def test_the_life_of_a_ticket(life: int | str, seconds: int) -> None:
    """It is a minute at least and thirty days at most."""
    async with running(make_world()) as world:
        person = await world.gate.person(ANN)
        if not seconds:
            with pytest.raises(ValueError, match="from one minute to 30 days"):
                await person.ticket(life)
            return
        assert (await person.ticket(life)).ends_at == START + seconds


@pytest.mark.parametrize(("age", "proofs"), [(7 * 86_400 - 1, 1), (7 * 86_400, 0)])
async def test_the_proofs_that_still_count(age: int, proofs: int) -> None:
    """They are as old as the policy allows at most."""
    async with running(make_world()) as world:
        await administrator(world, at=START - age)
        status = await (await world.gate.person(Subject("boss", "alpha"))).status()
        assert (status.proofs, status.browsers, status.last_proof_at) == (proofs, 1, START - 86_400)


@pytest.mark.parametrize(("ends_at", "told"), [(START + 1, START + 1), (START, 0)])
async def test_a_ticket_that_is_over_is_not_told(ends_at: int, told: int) -> None:
    """At its end it can no longer be used."""
    async with running(make_world()) as world:
        ticket = Ticket(digest="d", expires_at=ends_at, actor="x", ref="T")
        assert await world.store.swap(Account(key=ANN.key, ticket=ticket))
        assert (await (await world.gate.person(ANN)).status()).ticket_ends_at == told
