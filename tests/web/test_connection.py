"""S-15: which open connections are judged again, by which rules, and how they end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import Mount

from mfa_gate import MFAGateMiddleware, Subject
from mfa_gate.core.changes import keep
from mfa_gate.core.changes.admin import lock, reset
from mfa_gate.core.model import Seconds as Age
from mfa_gate.core.model import SubjectKey
from mfa_gate.core.rules import Exemption, PathRule, Rules, StepUpRule
from mfa_gate.identity import SessionUser
from mfa_gate.storage import Changed, Reader
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.web.connection import ConnectionCut
from tests.harness import FREE, SECRET, Browser, World, make_world, with_rules

from .lasting import CLOSE, END, HostApp, Parts, asked, by_hand, chat, hold, look, remembered, settle

KEY = SubjectKey("alpha", "ann")
STREAM = b"text/event-stream; charset=utf-8"


async def lock_ann(world: World) -> None:
    """An administrator locks her."""
    moment = world.engine.moment(actor="boss")
    await world.engine.change(KEY, lambda account: lock(account, moment, reason="lost laptop"))


async def reset_ann(world: World) -> None:
    """An administrator resets her."""
    moment = world.engine.moment(actor="boss")
    await world.engine.change(KEY, lambda account: reset(account, moment, ticket="T1", reason="lost phone"))


async def forget_browsers(world: World) -> None:
    """Every remembered browser is forgotten."""
    account = await world.store.load(KEY)
    assert await world.store.swap(replace(account, browsers=()))


TAKEN = [lock_ann, reset_ann, forget_browsers]


def step_up(path: str, age: int) -> Callable[[Rules], Rules]:
    """Rules that ask for a younger proof at ``path``."""
    rule = StepUpRule(name="young", paths=(PathRule(text=path),), max_age=Age(age))
    return lambda rules: replace(rules, step_up=(rule,))


async def world_of(**more: Any) -> tuple[World, Browser, Any]:
    """A world that is looked at by hand, and a browser with a proof."""
    world = make_world(**more)
    clock = by_hand(world)
    return world, await world.enrolled(), clock


# -- websockets and event streams ----------------------------------------------------------------------------------


@pytest.mark.parametrize("taken", TAKEN)
async def test_ended_at_once(taken: Any) -> None:
    """A websocket and a stream end at the first look after the proof is gone.

    Their age does not matter.
    """
    world, ann, _ = await world_of()
    stream = Parts(STREAM)
    socket = await hold(world, chat, asked(ann, "/chat", kind="websocket"))
    events = await hold(world, stream, asked(ann, "/feed"))
    await taken(world)
    await look(world)
    assert socket.sent[-1] == CLOSE
    assert events.sent[-1] == END
    assert (socket.is_open, events.is_open) == (False, False)
    assert (socket.error, events.error) == (None, None)


async def test_signed_out_soon_after_the_start() -> None:
    """A connection ends if nobody is signed in on it afterwards.

    Somebody was let in before. No look in between is needed.
    """
    world, ann, clock = await world_of()
    socket = await hold(world, chat, asked(ann, "/chat", kind="websocket"))
    socket.scope["session"].clear()
    await look(world)
    clock.at += 30
    await look(world)
    assert socket.sent[-1] == CLOSE
    assert not socket.is_open


@pytest.mark.parametrize("who", [{"user_id": "bob"}, {"org": "beta"}, {"user_id": "bob", "actor": "ann"}])
async def test_another_person_signs_in(who: dict[str, str]) -> None:
    """A connection ends once its session names another person than it was let in for.

    The app still serves the first one on it. The other may pass, so no lock of the first one would end it.
    """
    identify = SessionUser("user_id", tenant="org", groups="groups", session="sid", actor="actor")
    world, ann, clock = await world_of(identify=identify)
    other = await world.enrolled(who.get("user_id", "ann"), who.get("org", "alpha"), cookies=ann.cookies)
    socket = await hold(world, chat, asked(ann, "/chat", kind="websocket") | {"headers": asked(other, "/")["headers"]})
    socket.scope["session"].update(groups=["new"])
    clock.at += 30
    await look(world)
    assert socket.is_open
    socket.scope["session"].update(who)
    clock.at += 30
    await look(world)
    assert socket.sent[-1] == CLOSE


async def test_strangers() -> None:
    """A stranger's websocket stays, and ends once a person who owes a proof signs in on it."""
    world, _, clock = await world_of()
    socket = await hold(world, chat, asked(None, "/chat", kind="websocket"))
    for _ in range(3):
        clock.at += 30
        await look(world)
        assert socket.is_open
    socket.scope["session"].update(user_id="ann", org="alpha", groups=[], sid="new")
    clock.at += 30
    await look(world)
    assert socket.sent[-1] == CLOSE


async def test_stranger_who_proves() -> None:
    """A stranger's websocket on which somebody with a proof signs in stays.

    It ends with the lock.
    """
    world, ann, clock = await world_of()
    scope = asked(ann, "/chat", kind="websocket")
    session, scope["session"] = scope["session"], {}
    socket = await hold(world, chat, scope)
    await look(world)
    socket.scope["session"].update(session)
    clock.at += 30
    await look(world)
    assert socket.is_open
    await lock_ann(world)
    await look(world)
    assert socket.sent[-1] == CLOSE


@pytest.mark.parametrize("kind", ["websocket", "http"])
async def test_an_app_that_does_not_end(kind: str) -> None:
    """An app that catches the cancellation is cancelled at each look.

    Nothing of it leaves any more, and it reads that the client has gone.
    """
    world, ann, _ = await world_of()
    caught, read = 0, set[str]()

    async def stubborn(scope: Any, receive: Any, send: Any) -> None:
        nonlocal caught
        if kind == "websocket":
            await send({"type": "websocket.accept"})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", STREAM)]})
        while caught < 3:
            try:
                await asyncio.sleep(3600)
            except (TimeoutError, asyncio.CancelledError):
                caught += 1
                read.add((await receive())["type"])
                await send({"type": "websocket.send", "bytes": SECRET, "body": SECRET, "more_body": True})
        await send({"type": "websocket.close", "code": 1000})

    held = await hold(world, stubborn, asked(ann, "/x", kind=kind))
    await lock_ann(world)
    for _ in range(4):
        await look(world)
        await asyncio.sleep(0.03)
    assert (caught, read) == (3, {f"{kind}.disconnect"})
    assert not held.is_open
    assert held.error is None
    assert held.task.cancelling() == 0
    assert held.sent[1:] == [CLOSE if kind == "websocket" else END]


async def test_a_host_that_closes_by_itself() -> None:
    """The client gets 4401, also if the app closes with another code at its end."""
    world, ann, _ = await world_of()

    async def engine(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        try:
            await asyncio.sleep(3600)
        finally:
            await send({"type": "websocket.close", "code": 1000})

    socket = await hold(world, engine, asked(ann, "/chat", kind="websocket"))
    await lock_ann(world)
    await look(world)
    assert socket.sent[1:] == [CLOSE]
    assert not socket.is_open


async def test_a_client_that_does_not_take_the_close() -> None:
    """A close that cannot go out holds nothing: the server is told to cut."""
    world, ann, _ = await world_of()
    world.gate.web.connections.timing = replace(world.gate.web.connections.timing, patience=0.01)
    never = asyncio.Event()

    async def gated(scope: Any, receive: Any, send: Any) -> None:
        await chat(scope, receive, send)

    held = await hold(world, gated, asked(ann, "/chat", kind="websocket"))
    connection = next(iter(world.gate.web.connections.open))

    async def full(message: Any) -> None:
        await never.wait()

    connection._send = full
    await lock_ann(world)
    await look(world)
    await asyncio.wait({held.task}, timeout=5)
    assert isinstance(held.error, ConnectionCut)


async def test_cancelled_by_the_server() -> None:
    """A cancellation by the server travels through, also while the gate ends the connection."""
    world, ann, _ = await world_of()

    async def slow_to_end(scope: Any, receive: Any, send: Any) -> None:
        try:
            await chat(scope, receive, send)
        finally:
            await asyncio.sleep(3600)

    socket = await hold(world, slow_to_end, asked(ann, "/chat", kind="websocket"))
    await lock_ann(world)
    await look(world)
    assert socket.is_open
    socket.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await socket.task


async def test_ends_by_time() -> None:
    """A proof that grows too old ends a websocket at the next look.

    A rule for the path counts, as at the door.
    """
    world, ann, _ = await world_of(policy=with_rules(step_up("=/young", 300)))
    old = await hold(world, chat, asked(ann, "/chat", kind="websocket"))
    young = await hold(world, chat, asked(ann, "/young", kind="websocket"))
    world.clock.advance(299)
    await look(world)
    assert (old.is_open, young.is_open) == (True, True)
    world.clock.advance(1)
    await look(world)
    assert (old.is_open, young.is_open) == (True, False)
    world.clock.advance(7 * 86_400)
    await look(world)
    assert not old.is_open


# -- other responses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("taken", TAKEN)
async def test_a_download_is_cut(taken: Any) -> None:
    """A download is aborted, never ended as if it were whole.

    The app runs to its end, and nothing of it leaves.
    """
    world, ann, _ = await world_of()
    parts = Parts()
    held = await hold(world, parts, asked(ann, "/files/x"))
    await parts.part()
    await taken(world)
    await look(world)
    before = list(held.sent)
    await parts.part()
    await parts.part(last=True)
    await asyncio.wait({held.task}, timeout=5)
    assert parts.done
    assert parts.cancelled == 0
    assert isinstance(held.error, ConnectionCut)
    assert held.sent == before
    assert END not in held.sent


async def test_a_download_outlives_the_age_of_its_proof() -> None:
    """A download that began in time ends in full, also if its proof grows too old meanwhile.

    The age is that of a step-up rule, or the seven days.
    """
    world, ann, clock = await world_of(policy=with_rules(step_up("=/csv", 60)))
    parts = Parts()
    held = await hold(world, parts, asked(ann, "/csv"))
    for seconds in (61, 7 * 86_400):
        world.clock.advance(seconds)
        clock.at += 60
        account = await world.account()
        assert await world.store.swap(account)
        await look(world)
        await parts.part()
    await parts.part(last=True)
    await held.task
    assert parts.done
    assert held.sent[-1] == END
    assert held.body == SECRET * 2


async def test_a_download_outlives_a_new_proof() -> None:
    """A download that began with the old cookie is not cut for a new proof.

    Proving again gives the browser a new cookie.
    """
    world, ann, _ = await world_of()
    parts = Parts()
    held = await hold(world, parts, asked(ann, "/files/x"))
    world.clock.advance(60)
    id = await ann.authenticator("totp")
    done = await ann.api("POST", "verify", {"authenticator": id, "response": ann.totp()})
    assert done.status == 200, done.text
    await look(world)
    await parts.part(last=True)
    await held.task
    assert parts.done
    assert held.sent[-1] == END


async def test_work_is_never_cancelled() -> None:
    """A request at work while its browser is forgotten works on to its end.

    No answer of it leaves, and none looks whole.
    """
    world, ann, _ = await world_of()
    goes_on = asyncio.Event()
    done: list[str] = []

    async def pay(scope: Any, receive: Any, send: Any) -> None:
        done.append("debited")
        await goes_on.wait()
        done.append("credited")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": SECRET})
        done.append("told")

    held = await hold(world, pay, asked(ann, "/records", method="POST"))
    await forget_browsers(world)
    await look(world)
    goes_on.set()
    await asyncio.wait({held.task}, timeout=5)
    assert done == ["debited", "credited", "told"]
    assert isinstance(held.error, ConnectionCut)
    assert [m["type"] for m in held.sent] == ["http.response.start", "http.response.body"]
    assert held.sent[0]["status"] == 403
    assert dict(held.sent[0]["headers"])[b"content-length"] == b"1"
    assert held.sent[1] == {"type": "http.response.body", "body": b"", "more_body": True}


@pytest.mark.parametrize("media", [b"text/plain", STREAM])
async def test_background_tasks_run(media: bytes) -> None:
    """The work of the app after a complete answer is never touched."""
    world, ann, clock = await world_of()
    goes_on = asyncio.Event()
    done: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", media)]})
        await send({"type": "http.response.body", "body": SECRET})
        await goes_on.wait()
        done.append("credited")

    held = await hold(world, app, asked(ann, "/records"))
    await lock_ann(world)
    for _ in range(3):
        clock.at += 30
        await look(world)
    assert held.is_open
    goes_on.set()
    await held.task
    assert done == ["credited"]


async def test_an_app_that_waits_for_its_client() -> None:
    """An app that listens for the end of its client hears of the cut at once.

    It is not cancelled.
    """
    world, ann, _ = await world_of()
    heard: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            heard.append((await receive())["type"])
            if heard[-1] == "http.disconnect":
                return

    held = await hold(world, app, asked(ann, "/records"))
    await lock_ann(world)
    await look(world)
    assert heard == ["http.request", "http.disconnect"]
    assert isinstance(held.error, ConnectionCut)
    assert held.task.cancelling() == 0


async def test_an_app_that_never_stops() -> None:
    """A response without an end hears after a while that its client has gone.

    It hears the same as servers tell.
    """
    world, ann, clock = await world_of()
    parts = Parts()
    held = await hold(world, parts, asked(ann, "/files/x"))
    await lock_ann(world)
    await look(world)
    clock.at += 30
    await parts.part()
    assert isinstance(held.error, ConnectionCut)
    assert not parts.done


async def test_an_attempt_lock() -> None:
    """Wrong guesses of somebody else cut no download of the owner, whose proof lives on.

    Decisions 27.
    """
    world, ann, _ = await world_of(policy=with_rules(step_up("=/csv", 60)))
    parts = Parts()
    held = await hold(world, parts, asked(ann, "/csv"))
    world.clock.advance(61)
    thief = await world.browser()
    id = await ann.authenticator("totp")
    for _ in range(7):
        await thief.api("POST", "verify", {"authenticator": id, "response": "000000"})
    assert (await world.account()).lock is not None
    await look(world)
    await parts.part(last=True)
    await held.task
    assert parts.done
    assert held.sent[-1] == END


# -- sign-in, sign-out, exempt -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["http", "websocket", "stream"])
async def test_exempt(kind: str) -> None:
    """An exempt connection is not judged again.

    The host is not asked, and a lock changes nothing.
    """
    world, ann, clock = await world_of()
    app: HostApp = chat if kind == "websocket" else Parts(STREAM if kind == "stream" else b"image/png")
    held = await hold(world, app, asked(ann, "/open/door", kind="websocket" if kind == "websocket" else "http"))
    await lock_ann(world)
    for _ in range(3):
        clock.at += 30
        await look(world)
    assert held.is_open
    assert len(held.sent) == 1


async def test_a_slow_sign_out() -> None:
    """A slow sign-out is exempt at the second look as well.

    It does not matter who owes a factor.
    """
    world, _, clock = await world_of()
    owing = await world.browser("bob")
    parts = Parts()
    held = await hold(world, parts, asked(owing, "/logout", method="POST"))
    for _ in range(3):
        clock.at += 30
        await look(world)
    await parts.part(last=True)
    await held.task
    assert parts.done
    assert held.sent[-1] == END


async def test_a_slow_sign_in() -> None:
    """A sign-in at a path that is not exempt sets the session while it runs, and is answered."""
    world, _, clock = await world_of()
    parts = Parts()
    held = await hold(world, parts, asked(None, "/signin", method="POST"))
    held.scope["session"].update(user_id="ann", org="alpha", groups=[], sid="another")
    await lock_ann(world)
    for _ in range(3):
        clock.at += 30
        await look(world)
    await parts.part(last=True)
    await held.task
    assert parts.done
    assert held.sent[-1] == END


@pytest.mark.parametrize("path", ["/closed/feed", "/closed/chat"])
async def test_below_a_mount(path: str) -> None:
    """The path that was asked for is judged, also if a router has changed the scope.

    No exemption of another path counts.
    """
    free = Exemption(name="feed", paths=(PathRule(text="/feed/**"), PathRule(text="/chat/**")), reason="tests")
    world, ann, clock = await world_of(policy=with_rules(lambda rules: replace(rules, exempt=(FREE, free))))
    inner: HostApp = chat if path.endswith("chat") else Parts(STREAM)
    app = Starlette(routes=[Mount("/closed", app=inner)])
    held = await hold(world, app, asked(ann, path, kind="websocket" if path.endswith("chat") else "http"))
    await look(world)
    assert held.is_open
    assert held.scope["root_path"] == "/closed"
    await lock_ann(world)
    clock.at += 30
    await look(world)
    assert not held.is_open


async def test_changed_by_a_proxy_inside() -> None:
    """A middleware of the app that changes the scope changes no judgement.

    It writes another client and other headers into the scope.
    """
    world, ann, clock = await world_of()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope.update(client=("192.0.2.1", 1), headers=[], path="/open/door")
        await chat(scope, receive, send)

    held = await hold(world, app, asked(ann, "/chat", kind="websocket"))
    for _ in range(2):
        clock.at += 30
        await look(world)
    assert held.is_open
    await lock_ann(world)
    await look(world)
    assert not held.is_open


async def test_report_only() -> None:
    """Nothing is ended in report-only."""
    world, ann, clock = await world_of(policy=with_rules(lambda rules: replace(rules, mode="report-only")))
    socket = await hold(world, chat, asked(ann, "/chat", kind="websocket"))
    parts = Parts()
    download = await hold(world, parts, asked(ann, "/files/x"))
    await lock_ann(world)
    clock.at += 30
    await look(world)
    assert socket.is_open
    await parts.part(last=True)
    assert download.sent[-1] == END


# -- an outage, and a slow host ------------------------------------------------------------------------------------


@pytest.mark.parametrize("grace", [0, 600])
async def test_outage(grace: int) -> None:
    """Without the store an open connection gets the same as a new request.

    It gets grace if the policy gives it.
    """

    def rules(of: Rules) -> Rules:
        return replace(of, freshness=replace(of.freshness, outage_grace=Age(grace)))

    world, ann, clock = await world_of(policy=with_rules(rules))
    socket = await hold(world, chat, asked(ann, "/chat", kind="websocket"))
    stranger = await hold(world, chat, asked(None, "/chat", kind="websocket"))
    free = await hold(world, chat, asked(ann, "/open/door", kind="websocket"))
    parts = Parts()
    download = await hold(world, parts, asked(ann, "/files/x"))
    await look(world)
    await world.store.aclose()
    clock.at += 30
    await look(world)
    assert socket.is_open is bool(grace)
    assert (stranger.is_open, free.is_open) == (True, True)
    world.clock.advance(601)
    clock.at += 30
    await look(world)
    assert not socket.is_open
    await parts.part(last=True)
    assert download.sent[-1] == END


async def test_many_and_a_slow_host() -> None:
    """300 sockets end with one look after a lock, without asking a host that hangs.

    By the clock the host is asked side by side.
    """
    asking = most = 0
    hangs = asyncio.Event()
    hangs.set()

    async def identify(connection: HTTPConnection) -> Subject | None:
        nonlocal asking, most
        asking, most = asking + 1, max(most, asking + 1)
        await asyncio.sleep(0)
        await hangs.wait()
        asking -= 1
        id = connection.scope["session"].get("user_id")
        return Subject(id, "alpha", session="s") if id else None

    world, ann, clock = await world_of(identify=identify)
    held = [await hold(world, chat, asked(ann, "/chat", kind="websocket")) for _ in range(300)]
    await look(world)
    clock.at += 30
    most = 0
    await look(world)
    assert 10 < most <= 100
    assert all(one.is_open for one in held)
    hangs.clear()
    await lock_ann(world)
    await look(world)
    assert {one.sent[-1]["code"] for one in held} == {4401}
    assert not any(one.is_open for one in held)


@pytest.mark.parametrize("cause", ["account", "clock"])
async def test_a_look_that_takes_long_is_not_begun_again(cause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is being judged is passed by; later it is judged again."""
    world, ann, clock = await world_of()
    held = await hold(world, chat, asked(ann, "/chat", kind="websocket"))
    await look(world)
    gate, begun, goes_on = world.gate.web, 0, asyncio.Event()
    judge = gate.judge_subject

    async def slow(*given: Any) -> Any:
        nonlocal begun
        begun += 1
        await goes_on.wait()
        return await judge(*given)

    monkeypatch.setattr(gate, "judge_subject", slow)

    async def becomes_due() -> None:
        clock.at += 30 if cause == "clock" else 0
        if cause == "account":
            await world.engine.change(
                KEY, lambda account: keep(replace(account, skip_count=account.skip_count + 1), answer=None)
            )

    await becomes_due()
    looks = []
    for _ in range(3):
        looks.append(asyncio.create_task(gate.connections.look()))
        await settle()
        clock.at += 30 if cause == "clock" else 0
    assert begun == 1
    goes_on.set()
    await asyncio.gather(*looks)
    await becomes_due()
    await look(world)
    assert (begun, held.is_open) == (2, True)


async def test_the_host_cannot_tell_who() -> None:
    """An open connection ends if the host fails to tell who is signed in.

    A new request is refused in that case.
    """
    fails = False

    async def identify(connection: HTTPConnection) -> Subject | None:
        if fails:
            raise LookupError("the directory is down")
        return Subject("ann", "alpha", session="s") if connection.scope["session"] else None

    world, ann, clock = await world_of(identify=identify)
    socket = await hold(world, chat, asked(ann, "/chat", kind="websocket"))
    await look(world)
    fails = True
    clock.at += 30
    await look(world)
    assert socket.sent[-1] == CLOSE


async def test_the_status_below_a_mount() -> None:
    """``gate.status`` judges the path that the gate saw."""
    found: list[str] = []
    free = Exemption(name="inside", paths=(PathRule(text="=/page"),), reason="tests")
    world, ann, _ = await world_of(policy=with_rules(lambda rules: replace(rules, exempt=(FREE, free))))

    async def page(scope: Any, receive: Any, send: Any) -> None:
        found.append((await world.gate.status(HTTPConnection(scope))).state)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send(END)

    await hold(world, Starlette(routes=[Mount("/closed", app=page)]), asked(ann, "/closed/page"))
    await settle()
    assert found == ["verified"]


# -- several loops, and a gate that is closed ----------------------------------------------------------------------


def test_two_loops_in_two_threads() -> None:
    """Each connection has the task of its own loop, while two threads are at work.

    The short way keeps to it, too.
    """
    world = make_world()
    both, told = threading.Barrier(2), list[bool]()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        both.wait(10)  # both threads are inside a task of their loop now
        task = scope["mfa_gate"].task
        told.append(task is asyncio.current_task())
        both.wait(10)

    async def nothing(*_: Any) -> None:
        raise AssertionError("nothing is sent or received")

    async def ask() -> None:
        gated = MFAGateMiddleware(app, gate=world.gate)
        for _ in range(3):
            await gated(asked(None, "/open/door"), nothing, nothing)

    threads = [threading.Thread(target=asyncio.run, args=(ask(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert told == [True] * 6


class Mute(MemoryStore):
    """A store that does not say that it is closed."""

    def changed(self, reader: Reader, /) -> Changed:
        """Tell the changes while it is open, and no change at all after that."""
        return super().changed(reader) if self._open else frozenset()


async def test_a_closed_gate_remembers_nobody() -> None:
    """A closed gate judges everything again, whatever the store says."""
    world, ann, _ = await world_of(store=Mute())
    assert await ann.is_in()
    scope = asked(ann, "/records")
    assert await remembered(world.gate, dict(scope)) is not None
    await world.gate.web.aclose()
    assert await remembered(world.gate, dict(scope)) is None
