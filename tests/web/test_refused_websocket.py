"""A refused websocket that says why: accepted, then closed with 4401 (V-50)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import PathRule, Rules, StepUpRule
from mfa_gate.errors import StoreUnavailable
from tests.harness import ORIGIN, Browser, Reply, World, call, make_world, running, socket_scope, with_rules
from tests.web.serving import served

SPA = "http://localhost:5173"


def stricter(rules: Rules) -> Rules:
    """The chat wants a young proof."""
    return replace(rules, step_up=(StepUpRule(name="chat", paths=(PathRule(text="=/chat"),), max_age=Seconds(300)),))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A host that wants to be told."""
    async with running(make_world(accept_refused_websockets=True, api_origins=[SPA])) as made:
        yield made


async def owing(world: World) -> Browser:
    """Another browser of ann's, which owes the proof."""
    await world.enrolled()
    return await world.browser(sid="again")


async def opened(browser: Browser, *, origin: str = ORIGIN, **more: Any) -> Reply:
    headers = [("cookie", browser.cookie_header()), *([("origin", origin)] if origin else [])]
    return await call(browser.world.app, socket_scope("/chat", headers=headers, **more))


@pytest.mark.parametrize("denial", [True, False])
@pytest.mark.parametrize("origin", [ORIGIN, SPA, ""])
async def test_says_why(world: World, denial: bool, origin: str) -> None:
    """The handshake succeeds, nothing is sent but the close, and the app is not asked."""
    reply = await opened(await owing(world), origin=origin, denial=denial)
    first, last = reply.messages
    assert (first["type"], first["subprotocol"]) == ("websocket.accept", "chat")
    assert last == {"type": "websocket.close", "code": 4401, "reason": "proof_required"}
    assert world.reached == []


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:5174"])
async def test_tells_no_other_site(world: World, origin: str) -> None:
    """A page of another site learns nothing: it is refused before the handshake."""
    reply = await opened(await owing(world), origin=origin)
    assert [m["type"] for m in reply.messages] == ["websocket.http.response.start", "websocket.http.response.body"]
    assert b"content-length" not in dict(reply.messages[0]["headers"]), "some versions of uvicorn add theirs"


async def test_other_reasons(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock has its own word. A store that is away means "try again later" (1013)."""
    ann = await owing(world)
    other = await world.browser(sid="third")
    await ann.lock()
    assert (await opened(other)).messages[-1] == {"type": "websocket.close", "code": 4401, "reason": "locked"}

    async def away(*args: Any, **more: Any) -> Any:
        raise StoreUnavailable("away")

    monkeypatch.setattr(world.gate.service.access, "judge", away)
    assert (await opened(other)).messages[-1] == {
        "type": "websocket.close",
        "code": 1013,
        "reason": "store_unavailable",
    }


async def test_the_step_up_is_told_by_the_state(world: World) -> None:
    """The handshake's answer keeps it, as for a script that was refused."""
    ann = await world.enrolled()
    world.engine.use_policy(with_rules(stricter))
    world.clock.advance(301)
    reply = await opened(ann)
    for name, value in reply.messages[0]["headers"]:
        reply.headers.append((name, value))
    ann.take(reply)
    assert (await ann.state())["reason"] == "step_up"


async def test_not_unless_it_is_wanted() -> None:
    """Decision 65: without the option a refused websocket is never accepted."""
    async with running(make_world()) as world:
        reply = await opened(await owing(world))
        assert reply.messages
        assert all(m["type"] != "websocket.accept" for m in reply.messages)


async def test_over_a_server() -> None:
    """A client of a real server sees the code and the reason."""
    world = make_world(accept_refused_websockets=True)
    browser = await owing(world)
    with served(world.app) as address:
        where = f"{address.replace('http', 'ws')}/chat"
        cookie = {"cookie": browser.cookie_header()}
        with pytest.raises(ConnectionClosed) as closed:
            async with connect(where, additional_headers=cookie, subprotocols=["chat"], origin=ORIGIN) as socket:  # type: ignore[arg-type, list-item]
                await asyncio.wait_for(socket.recv(), 5)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4401, "proof_required")
        with pytest.raises(InvalidStatus):
            await connect(where, additional_headers=cookie, origin="https://evil.example")  # type: ignore[arg-type]
