"""One connection by itself: what the app is given, what leaves, and how it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate import Subject
from mfa_gate.web.connection import ANONYMOUS, EXEMPT, Connection, ConnectionCut, LetIn, ProofRequired, seen_in
from mfa_gate.web.open_connections import _has_changed
from tests.harness import FORM, World, http_scope, make_world, running, socket_scope

from .lasting import CLOSE, END, by_hand, settle

ANN = Subject("ann", "alpha")
START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/csv")]}
STREAM: dict[str, Any] = {**START, "headers": [(b"content-type", b"Text/Event-Stream; charset=utf-8")]}
PART: dict[str, Any] = {"type": "http.response.body", "body": b"x", "more_body": True}
GONE = {"type": "http.disconnect"}
SOCKET_GONE = {"type": "websocket.disconnect", "code": 4401}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A gate whose watch looks when it is told."""
    async with running(make_world()) as made:
        by_hand(made)
        yield made


class Line:
    """A connection with both of its ends.

    ``sent`` has the messages that left, ``incoming`` those of the client.
    """

    def __init__(self, world: World, scope: dict[str, Any] | None = None, passed: Any = None) -> None:
        self.incoming: asyncio.Queue[Any] = asyncio.Queue()
        self.sent: list[Any] = []
        self.scope = scope or http_scope("GET", "/records")
        gate: Any = world.gate.web
        self.connection = Connection(
            gate,
            asyncio.current_task(),
            self.scope,
            seen_in(self.scope),
            self.incoming.get,
            self.send,
            passed or LetIn(ANN, None),
        )

    async def send(self, message: Any) -> None:
        self.sent.append(message)


async def test_a_cancelled_reader_ends(world: World) -> None:
    """A server that shuts down cancels the app.

    The gate swallows no cancellation of somebody else.
    """
    line = Line(world)
    reading = asyncio.create_task(line.connection.receive())
    await settle(3)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert reading.cancelled()
    assert line.connection._readers == {}


async def test_a_reader_of_a_cut_answer_hears_that_its_client_has_gone(world: World) -> None:
    """The app ends by itself, and its task is not cancelled for anybody else."""
    line = Line(world)
    await line.connection.send(START)
    reading = asyncio.create_task(line.connection.receive())
    await settle(3)
    line.connection.cut()
    assert await reading == GONE
    assert reading.cancelling() == 0
    assert await line.connection.receive() == GONE
    assert (line.connection.over, line.incoming.empty()) == ("cut", True)
    both = asyncio.create_task(Line(world).connection.receive())
    await settle(3)
    both.cancel()
    with pytest.raises(asyncio.CancelledError):
        await both


async def test_what_the_client_says_is_noted(world: World) -> None:
    """The end of the body, and that it has gone."""
    line = Line(world)
    seen = []
    for message in (
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.request", "body": b"b"},
        GONE,
        {"type": "http.request", "body": b"late", "more_body": True},
    ):
        await line.incoming.put(message)
        assert await line.connection.receive() == message
        seen.append((line.connection.connected, line.connection.ended, line.connection.gone))
    assert seen == [(True, False, False), (True, True, False), (True, True, True), (True, False, True)]
    assert line.connection.heard is None


@pytest.mark.parametrize(
    ("keeps", "headers", "heard"), [(True, [FORM], True), (False, [FORM], False), (True, [], False)]
)
async def test_a_form_is_heard_where_the_host_keeps_forms(
    world: World, keeps: bool, headers: list[tuple[str, str]], heard: bool
) -> None:
    """The parts that the app has read can be read again, and nothing is kept elsewhere."""
    world.gate.web.keeps_forms = keeps
    line = Line(world, http_scope("POST", "/records", headers=headers))
    await line.incoming.put({"type": "http.request", "body": b"a=", "more_body": True})
    await line.incoming.put({"type": "http.request", "body": b"1", "more_body": True})
    for _ in range(2):
        await line.connection.receive()
    if heard:
        assert line.connection.heard is not None
        again = line.connection.heard.replayed(line.incoming.get)
        assert await again() == {"type": "http.request", "body": b"a=1", "more_body": True}
    else:
        assert line.connection.heard is None


async def test_the_first_message_of_a_websocket(world: World) -> None:
    """The gate's own answer hears it as well, where the app has taken it already."""
    line = Line(world, socket_scope("/chat"))
    connect = {"type": "websocket.connect", "first": True}
    await line.incoming.put(connect)
    assert await line.connection.connect() == connect
    await line.incoming.put(connect)
    await line.connection.receive()
    assert await line.connection.connect() == {"type": "websocket.connect"}


async def test_which_connections_are_judged_again(world: World) -> None:
    """A websocket, and an event stream from its head on."""
    line, socket = Line(world), Line(world, socket_scope("/chat"))
    assert (line.connection.is_live, socket.connection.is_live) == (False, True)
    await line.connection.send(START)
    assert not line.connection.is_live
    stream = Line(world)
    await stream.connection.send(STREAM)
    assert stream.connection.is_live


@pytest.mark.parametrize(
    ("last", "done"),
    [
        (START, False),
        (PART, False),
        ({**PART, "more_body": False}, True),
        ({"type": "http.response.body", "body": b""}, True),
        ({"type": "http.response.pathsend", "path": "/x"}, True),
        ({"type": "websocket.close"}, True),
        ({"type": "websocket.http.response.start"}, True),
        ({"type": "websocket.send", "text": "x"}, False),
    ],
)
async def test_when_an_answer_is_whole(world: World, last: dict[str, Any], done: bool) -> None:
    """Then nothing is left to end."""
    line = Line(world)
    assert not line.connection.is_done
    line.connection.last = last
    assert line.connection.is_done is done
    line.connection.gone = True
    assert line.connection.is_done


async def test_nothing_of_the_app_leaves_after_the_end(world: World) -> None:
    """An app that goes on for long gets an OSError, as from a server whose client has gone."""
    clock = by_hand(world)
    line = Line(world)
    await line.connection.send(STREAM)
    line.connection.end()
    await settle(3)
    assert line.sent == [STREAM, END]
    await line.connection.send({**PART, "more_body": False})
    await line.connection.send(PART)
    clock.at += 29.9
    await line.connection.send(PART)
    clock.at += 0.1
    await line.connection.send({**PART, "more_body": False})
    with pytest.raises(OSError, match="the connection is over"):
        await line.connection.send(PART)
    assert line.sent == [STREAM, END]


async def test_the_close_of_a_websocket(world: World) -> None:
    """Its code says that a proof is needed; a server that has lost it already is no fault."""
    line = Line(world, socket_scope("/chat"))
    line.connection.end()
    await settle(3)
    assert line.sent == [CLOSE]
    assert await line.connection.receive() == SOCKET_GONE
    lost = Line(world, socket_scope("/chat"))

    async def closed(_: Any) -> None:
        raise RuntimeError("closed")

    lost.connection._send = closed
    lost.connection.end()
    assert lost.connection.closing is not None
    await lost.connection.closing


@pytest.mark.parametrize(
    ("begun", "over"), [(None, "need"), (START, "cut"), (STREAM, "end"), ({**PART, "more_body": False}, "")]
)
async def test_the_demand_of_an_endpoint(world: World, begun: Any, over: str) -> None:
    """Before the answer the gate answers; one that has begun ends; a whole one stays as it is."""
    line, need = Line(world), ProofRequired(None, ())
    if begun is PART or (begun is not None and begun["type"] == "http.response.body"):
        await line.connection.send(START)
    if begun is not None:
        await line.connection.send(begun)
    assert line.connection.refuse(need) is need
    assert line.connection.over == over
    assert (line.connection.need is need) is (over == "need")
    again = ProofRequired(None, ())
    assert line.connection.refuse(again) is again
    assert line.connection.over == over
    await settle(3)


async def test_a_cut_answer_begins_where_it_had_not(world: World) -> None:
    """The server must not make a whole answer of its own."""
    line = Line(world)
    line.connection.cut()
    with pytest.raises(ConnectionCut):
        await line.connection.finish(None)
    head, part = line.sent
    assert (head["type"], head["status"]) == ("http.response.start", 403)
    assert head["headers"] == [(b"content-length", b"1"), (b"cache-control", b"no-store"), (b"connection", b"close")]
    assert part == {"type": "http.response.body", "body": b"", "more_body": True}
    begun = Line(world)
    await begun.connection.send(START)
    begun.connection.cut()
    with pytest.raises(ConnectionCut):
        await begun.connection.finish(None)
    assert begun.sent == [START]


async def test_a_fault_of_the_app_is_raised_on(world: World) -> None:
    """After an end by the gate only the gate's own cancellation is taken back."""
    line = Line(world)
    await line.connection.send(STREAM)
    line.connection.end()
    with pytest.raises(ZeroDivisionError):
        await line.connection.finish(ZeroDivisionError())
    for quiet in (None, ProofRequired(None, ())):
        other = Line(world)
        await other.connection.send(STREAM)
        other.connection.end()
        await other.connection.finish(quiet)
        assert other.sent == [STREAM, END]


async def test_the_cancellation_of_somebody_else_goes_on(world: World) -> None:
    """A connection without a task of its own has none of the gate's cancellations either."""
    line = Line(world)
    line.connection.task = None
    await line.connection.send(STREAM)
    line.connection.end()
    with pytest.raises(asyncio.CancelledError):
        await line.connection.finish(asyncio.CancelledError())
    assert line.connection.closing is not None
    await settle(3)
    assert line.connection.closing.cancelled()

    async def body() -> tuple[bool, int]:
        mine = Line(world).connection
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        mine.cancels = 1
        taken = mine._take_back_cancels()
        return taken, task.cancelling()

    assert await asyncio.create_task(body()) == (False, 0)


async def test_a_fault_on_the_refusal_of_its_own_endpoint_is_said(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The gate answers all the same, and the operator reads that the app has failed."""
    line = Line(world, http_scope("GET", "/records", headers=[("accept", "application/json")]))
    line.connection.refuse(ProofRequired(None, ()))
    with caplog.at_level(logging.WARNING):
        await line.connection.finish(ValueError("odd"))
    assert "the app failed on the refusal of its own endpoint: ValueError('odd')" in caplog.text
    assert line.sent[0]["status"] == 401
    caplog.clear()
    own = Line(world, http_scope("GET", "/records", headers=[("accept", "application/json")]))
    own.connection.refuse(need := ProofRequired(None, ()))
    await own.connection.finish(need)
    assert caplog.text == ""


async def test_a_client_that_does_not_take_its_close(world: World) -> None:
    """After a moment the connection is cut."""
    web = world.gate.web
    web.connections.timing = type(web.connections.timing)(tick=1e9, patience=0.01)
    line = Line(world, socket_scope("/chat"))
    waits = asyncio.Event()

    async def hangs(message: Any) -> None:
        line.sent.append(message)
        await waits.wait()

    line.connection._send = hangs
    line.connection.end()
    assert not await line.connection._is_closed()
    await settle(3)
    assert line.connection.closing is not None
    assert line.connection.closing.cancelled()
    assert await Line(world).connection._is_closed()


@pytest.mark.parametrize(
    ("passed", "changed"),
    [
        (EXEMPT, False),
        (ANONYMOUS, False),
        (LetIn(ANN, None), False),
        (LetIn(ANN, None, learned=False), True),
        (LetIn(ANN, SimpleNamespace(stale=True)), True),  # type: ignore[arg-type]
        (LetIn(ANN, SimpleNamespace(stale=False)), False),  # type: ignore[arg-type]
    ],
)
async def test_whose_account_is_looked_at_again(world: World, passed: Any, changed: bool) -> None:
    """An account that has changed, and one that could not be read."""
    assert _has_changed(Line(world, passed=passed).connection) is changed


async def test_the_request_is_judged_as_it_came(world: World) -> None:
    """Routers change path and root in place; the user who is signed in by now is the app's."""
    line = Line(world, {**http_scope("GET", "/inner/x"), "root_path": "/root"})
    line.scope["path"], line.scope["root_path"], line.scope["client"] = "/x", "/root/inner", ("1.2.3.4", 5)
    judged = line.connection.as_judged({**line.scope, "user": "ann"})
    assert (judged["path"], judged["root_path"], judged["user"]) == ("/inner/x", "/root", "ann")
    assert judged["client"] == ("203.0.113.7", 50_000)
    assert line.connection.path == "/inner/x"
    assert line.connection.as_judged()["path"] == "/inner/x"
