"""The bounds of hearing a refused request to its end (V-43)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mfa_gate import require_proof
from mfa_gate.web import unheard
from tests.harness import (
    FETCH,
    FORM,
    ORIGIN,
    PAGE,
    Browser,
    Headers,
    World,
    http_scope,
    log_in,
    make_world,
    running,
    socket_scope,
)


class Client:
    """A client that sends pieces, and then nothing more, or goes on for ever."""

    def __init__(self, *pieces: bytes, ends: bool = True) -> None:
        self.pieces = [*pieces]
        self.ends = ends
        self.asked = 0

    async def receive(self) -> dict[str, Any]:
        """Send the next piece."""
        self.asked += 1
        if not self.pieces:
            await asyncio.sleep(60)
        body = self.pieces.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(self.pieces) or not self.ends}


async def heard(
    client: Client, headers: Headers = (), method: str = "POST", bounds: unheard.Bounds = unheard.USUAL
) -> int:
    """Hear a request out, and tell how often the client was asked."""
    await unheard.hear_out(http_scope(method, "/", headers=headers), client.receive, bounds)
    return client.asked


async def test_it_reads_to_the_end_and_no_further() -> None:
    """A receive behind the end would wait until the client goes."""
    assert await heard(Client(b"a", b"b", b"c")) == 3
    assert await heard(Client(b"")) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_what_has_no_body_is_not_read(method: str) -> None:
    """Nothing is asked of a page load, nor of a websocket."""
    client = Client(b"a")
    assert await heard(client, method=method) == 0
    await unheard.hear_out(socket_scope("/"), client.receive)
    assert client.asked == 0


@pytest.mark.parametrize(
    "headers",
    [
        [("expect", "100-continue")],
        [("content-length", str(unheard.USUAL.most + 1))],
        [("content-length", "9" * 20)],
        [("content-length", "1024")],
    ],
)
async def test_what_is_answered_at_once(headers: Headers) -> None:
    """A client that waits, a body that is there already, and one too large to be heard."""
    assert await heard(Client(b"a"), headers) == 0


async def test_it_ends() -> None:
    """A client that stops, or never ends, does not hold the answer up."""
    bounds = unheard.Bounds(idle=0.01)
    assert await asyncio.wait_for(heard(Client(b"a", ends=False), bounds=bounds), 5) == 2
    assert await heard(Client(*[b"x" * 60] * 9, ends=False), bounds=replace(bounds, most=100)) == 2
    bounds = unheard.Bounds(idle=60.0, most=10**9, within=0.05)

    async def drips() -> dict[str, Any]:
        await asyncio.sleep(0.005)
        return {"type": "http.request", "body": b"x", "more_body": True}

    await asyncio.wait_for(unheard.hear_out(http_scope("POST", "/"), drips, bounds), 5)


async def test_a_client_that_goes() -> None:
    """A client that has gone is not waited for."""

    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    await asyncio.wait_for(unheard.hear_out(http_scope("POST", "/"), gone), 30)


# -- through the gate ----------------------------------------------------------------------------------------------------


async def answered(world: World, browser: Browser, path: str, client: Client, headers: Headers) -> int:
    """Send a form with the pieces of ``client``, and return the status of the answer."""
    sent: list[Any] = []

    async def keep(message: Any) -> None:
        sent.append(message)

    shown = [*headers, FORM, ("cookie", browser.cookie_header())]
    await world.app(http_scope("POST", path, headers=shown), client.receive, keep)
    return int(sent[0]["status"])


async def test_a_fault_behind_the_body_is_told_at_once() -> None:
    """A fault while a form is refused waits for no more of a body that was read already."""
    async with running(make_world(keep_forms=True)) as world:
        browser = await world.browser()

        async def breaks(name: str, value: bytes, /, *, until: int = 0) -> None:
            raise RuntimeError("a fault of the store's own")

        world.store.put_meta = breaks  # type: ignore[method-assign]
        client = Client(b"text=a&", b"tag=b")
        status = await answered(world, browser, "/records", client, [*PAGE, ("origin", ORIGIN)])
        assert (status, client.asked) == (503, 2)


@pytest.mark.parametrize(("fault", "told"), [(True, 503), (False, 401)], ids=["fault", "signed out"])
async def test_the_demand_of_an_endpoint_hears_the_body_out(fault: bool, told: int) -> None:
    """The answer to a demand that cannot be judged comes after the body, like any refusal."""

    async def pay(request: Request) -> Response:
        def raises(scope: Any) -> None:
            if fault:
                raise RuntimeError("a fault of the host's own")

        world.gate.web.callers.subject_now = raises
        await require_proof()(request)
        return PlainTextResponse("paid")

    app = Starlette(routes=[Route("/login", log_in, methods=["POST"]), Route("/pay", pay, methods=["POST"])])
    async with running(make_world(app=app)) as world:
        ann = await world.enrolled()
        client = Client(b"a", b"b", b"c")
        assert (await answered(world, ann, "/pay", client, FETCH), client.asked) == (told, 3)
