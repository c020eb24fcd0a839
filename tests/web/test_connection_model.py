"""A model of open connections: each gets the same as a new request would get.

This holds for all events in any order.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, replace
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from mfa_gate import MFAGateMiddleware, Subject
from mfa_gate.core.changes.admin import lock, reset
from mfa_gate.core.model import Seconds as Age
from mfa_gate.core.model import SubjectKey
from mfa_gate.identity import SessionUser
from mfa_gate.web.connection import PACE, ConnectionCut
from tests.harness import SECRET, Browser, World, call, make_world, with_rules

from .lasting import CLOSE, END, Held, Parts, asked, by_hand, chat, hold, look, session_of, settle

PEOPLE = 10
SOCKETS = 300
STEPS = 30
LIVE = ("socket", "stubborn", "stream", "free")


async def stubborn(scope: Any, receive: Any, send: Any) -> None:
    """A websocket that sends all the time, and gives up at the fourth cancellation only."""
    await send({"type": "websocket.accept"})
    for _ in range(4):
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await send({"type": "websocket.send", "bytes": SECRET})
    await send({"type": "websocket.close", "code": 1000})


@dataclass(eq=False)
class Open:
    """A connection of the model. ``let_in``: somebody was let in on it, at its start or later."""

    kind: str
    person: Browser
    held: Held
    parts: Parts | None
    let_in: bool
    taken: bool = False
    taken_at: float = 0.0
    ended: bool = False


class Model:
    """The events so far, and the state that must follow."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.hangs = asyncio.Event()
        self.hangs.set()
        self.grace = self.random.choice([0, 600])
        session = SessionUser("user_id", tenant="org", groups="groups", session="sid")

        async def slow(connection: HTTPConnection) -> Subject | None:
            await self.hangs.wait()
            return await session(connection)

        def rules(of: Any) -> Any:
            return replace(of, freshness=replace(of.freshness, outage_grace=Age(self.grace)))

        identify = session if seed % 2 else slow
        self.world: World = make_world(policy=with_rules(rules), identify=identify)
        self.clock = by_hand(self.world)
        self.people: list[Browser] = []
        self.open: list[Open] = []
        self.away = False

    async def start(self) -> None:
        """Enroll everybody, and open all there is."""
        self.people = [await self.world.enrolled(f"p{number}") for number in range(PEOPLE)]
        for _ in range(SOCKETS):
            await self.connect()

    async def connect(self) -> None:
        """Somebody, or a stranger, opens something, if the gate lets it."""
        person = self.random.choice(self.people)
        kind = self.random.choice([*LIVE, "socket", "download"])
        stranger = self.random.random() < 0.2
        parts = (
            Parts(b"text/event-stream" if kind == "stream" else b"text/csv") if kind in ("stream", "download") else None
        )
        scope = self.scope(kind, person)
        if stranger:
            scope["session"] = {}
        held = await hold(self.world, parts or (stubborn if kind == "stubborn" else chat), scope)
        if held.is_open:
            self.open.append(Open(kind, person, held, parts, let_in=not stranger and kind != "free"))

    def scope(self, kind: str, person: Browser) -> dict[str, Any]:
        """A request of that kind."""
        path = "/open/door" if kind == "free" else "/x"
        return asked(person, path, kind="http" if kind in ("stream", "download") else "websocket")

    async def may(self, one: Open) -> bool:
        """Ask the door itself: whether a new request would pass, or a stranger stays one."""
        if one.kind == "free":
            return True
        if not one.held.scope["session"]:
            return not one.let_in
        reached = False

        async def app(scope: Any, receive: Any, send: Any) -> None:
            nonlocal reached
            reached = True
            await send({"type": "websocket.close", "code": 1000})
            if scope["type"] == "http":
                await send({"type": "http.response.start", "status": 200, "headers": []})

        scope = {**self.scope(one.kind, one.person), "session": dict(one.held.scope["session"])}
        await call(MFAGateMiddleware(app, gate=self.world.gate), scope)
        return reached

    # -- what happens ----------------------------------------------------------------------------------------------

    async def lose(self, how: str) -> None:
        """One person is locked, reset, or their browser is forgotten."""
        person = self.random.choice(self.people)
        key, moment = SubjectKey(person.tenant, person.id), self.world.engine.moment(actor="boss")
        if how == "lock":
            await self.world.engine.change(key, lambda account: lock(account, moment, reason="r"))
        elif how == "reset":
            await self.world.engine.change(key, lambda account: reset(account, moment, ticket="T", reason="r"))
        else:
            account = await self.world.store.load(key)
            assert await self.world.store.swap(replace(account, browsers=()))
        for one in self.open:
            if one.person is person and one.let_in and not one.taken:
                one.taken, one.taken_at = True, self.clock.at

    async def step(self) -> bool:
        """Let one event happen.

        Returns true if all must be as the door says, and false if only accounts were looked at.
        """
        live = [one for one in self.open if one.kind in LIVE and not one.ended and not one.taken]
        what = self.random.choice(
            ["lock", "reset", "forget", "hang", "sign-out", "sign-in", "away", "more", "wait", "wait"]
        )
        if what in ("lock", "reset", "forget") and not self.away:
            await self.lose(what)
        elif what == "hang" and not self.away:
            self.hangs.clear()
            await self.lose("lock")
            await look(self.world)
            self.check_taken()
            self.hangs.set()
        elif what == "sign-out" and live:
            self.random.choice(live).held.scope["session"].clear()
        elif what == "sign-in" and live:
            one = self.random.choice(live)
            one.held.scope["session"].update(session_of(one.person))
        elif what == "away":
            self.away = not self.away
            await (self.world.store.aclose() if self.away else self.world.store.open())
        elif what == "more" and not self.away:
            await self.connect()
        if what in ("wait", "sign-out", "sign-in", "away"):
            self.clock.at += 30
            self.world.clock.advance(self.random.choice([1, 30, 400]))
            return True
        return False

    # -- what must be ----------------------------------------------------------------------------------------------

    def check_taken(self) -> None:
        """Assert that a lock, a reset or a forgotten browser ends its connections at once.

        The host is not asked.
        """
        for one in self.open:
            if one.taken and one.kind in LIVE and one.kind != "free" and not one.ended:
                assert one.held.sent[-1] in (CLOSE, END), one

    async def check(self, *, all_: bool) -> None:
        """Assert that each connection is open or ended as it must be.

        Nothing ended that may stay, nothing stays that must end, and nothing left after the end.
        """
        self.check_taken()
        for one in self.open:
            if one.kind == "download" or one.ended:
                continue
            ends = one.held.sent[-1] in (CLOSE, END)
            may = await self.may(one)
            if ends:
                assert not may, (one, "was ended and may stay")
                one.ended = True
            elif all_:
                assert may, (one, "is open and must end")
                one.let_in = one.let_in or (bool(one.held.scope["session"]) and one.kind != "free")
            assert one.held.sent.count(CLOSE) + one.held.sent.count(END) == int(ends)

    async def parts(self) -> None:
        """Let some downloads and streams go on.

        A connection that was taken away sends nothing, and all others send all.
        """
        for one in self.random.sample(self.open, 20):
            long_gone = one.taken and self.clock.at - one.taken_at >= 30  # then its app is told
            if one.parts is None or not one.held.is_open or long_gone:
                continue
            before = len(one.held.sent)
            await one.parts.part()
            silent = one.ended or (one.taken and one.kind == "download")
            assert len(one.held.sent) == before + (not silent), one
        await asyncio.sleep(1.2 * PACE)  # apps whose part was dropped come back before time goes on

    async def finish(self) -> None:
        """All downloads come to their end: whole, or visibly cut, and never cancelled."""
        downloads = [one for one in self.open if one.kind == "download"]
        for one in downloads:
            assert one.parts is not None
            one.parts.last = True
            one.parts.next.set()
        await asyncio.wait([one.held.task for one in downloads], timeout=20)
        for one in downloads:
            assert one.parts is not None
            assert one.parts.done
            assert one.parts.cancelled == 0
            assert isinstance(one.held.error, ConnectionCut) is one.taken, one
            assert (one.held.sent[-1] == END) is not one.taken
        for one in self.open:
            if one.ended:
                assert one.held.sent[-1] in (CLOSE, END)

    async def close(self) -> None:
        """Let nothing run on, the stubborn ones included."""
        self.hangs.set()
        for _ in range(6):
            for one in self.open:
                one.held.task.cancel()
            await settle()


@pytest.mark.parametrize("seed", [0, 1, 2, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 8))])
async def test_each_gets_what_a_new_request_would(seed: int) -> None:
    """300 connections get the same as new requests, after events in random order.

    The events are sign-ins, sign-outs, locks, resets, expiries, outages and slow hosts.
    """
    model = Model(seed)
    try:
        await model.start()
        await look(model.world)
        for _ in range(STEPS):
            all_ = await model.step()
            await look(model.world)
            await model.check(all_=all_)
            await model.parts()
        if model.away:
            await model.world.store.open()
        model.world.clock.advance(7 * 86_400)
        model.clock.at += 30
        await look(model.world)
        await model.check(all_=True)
        assert any(one.ended for one in model.open)
        await model.finish()
    finally:
        await model.close()
