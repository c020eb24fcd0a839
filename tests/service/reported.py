"""A host with Sentry as its documentation sets it up.

Faults happen in it, and what would be sent is printed.

``python -m tests.service.reported NAMES``: two lines of JSON, of Sentry as it comes, and with ``NAMES`` on its scrubber's list.
Each has the secrets of its world, and the envelopes by fault. One process tells both: to import what Sentry looks for takes
most of its time.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.asgi import SentryAsgiMiddleware
from sentry_sdk.scrubber import DEFAULT_DENYLIST, EventScrubber
from sentry_sdk.transport import Transport
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mfa_gate import Subject
from mfa_gate.factors.codes import ALPHABET
from mfa_gate.factors.totp import Totp
from tests.harness import Browser, World, make_world, routes, running

SENT: list[str] = []
BROKEN = "the library is broken"
world: World


class Kept(Transport):
    """A transport that keeps what it is to send."""

    def capture_envelope(self, envelope: Any) -> None:
        """Keep it as text."""
        SENT.extend(item.get_bytes().decode("utf-8", "replace") for item in envelope.items)


def breaks(*_: Any, **__: Any) -> Any:
    """Fail in the middle of our own work."""
    raise RuntimeError(BROKEN)


async def app_breaks(request: Request) -> Response:
    """Fail in the app, behind the gate."""
    await request.body()
    raise LookupError("the app is broken")


async def status(request: Request) -> Response:
    """Ask the gate, which fails."""
    await world.gate.status(request)
    return Response()


async def ticket(request: Request) -> Response:
    """Make a ticket, and fail to store it."""
    await (await world.gate.person(Subject("bob", "alpha"))).ticket()
    return Response()


async def reported(world: World, work: Callable[[], Awaitable[Any]]) -> list[str]:
    """Do ``work``, and return what Sentry was given meanwhile."""
    SENT.clear()
    with suppress(LookupError, RuntimeError):
        await work()
    await world.engine.effects.idle()
    return [text for text in SENT if "exception" in text]


async def main(more: list[str]) -> None:
    """Let each fault happen once, with ``more`` names on the scrubber's list."""
    logging.disable(logging.NOTSET)
    names = [*DEFAULT_DENYLIST, *more]  # as the README names them
    scrubber = EventScrubber(denylist=names, recursive=True) if more else None
    sentry_sdk.init(dsn="https://key@sentry.invalid/1", transport=Kept, send_default_pii=False, event_scrubber=scrubber)
    global world
    mine = [Route("/broken", app_breaks, methods=["GET", "POST"]), Route("/status", status)]
    world = make_world(app=Starlette(routes=[*mine, Route("/open/ticket", ticket), *routes()]))
    world.app = SentryAsgiMiddleware(world.app)
    found: dict[str, list[str]] = {}
    async with running(world):
        ann = await world.enrolled()
        world.clock.advance(120)
        await ann.enroll_email()
        world.clock.advance(120)
        known: list[str] = [ann.secret, *ann.backup, *world.email.codes]

        async def answered(browser: Browser, factor: str, code: str) -> None:
            known.append(code)
            id = await browser.authenticator(factor)
            assert (await browser.api("POST", "verify", {"authenticator": id, "response": code})).status == 503
            assert (await browser.form(f"/mfa/challenge/{id}", {"code": code})).status == 503

        right, Totp.verify = Totp.verify, breaks  # type: ignore[method-assign]
        found["verify"] = await reported(world, lambda: answered(ann, "totp", ann.totp()))
        Totp.verify = right  # type: ignore[method-assign]

        show, Totp.show = Totp.show, breaks  # type: ignore[method-assign]
        found["enroll"] = await reported(world, lambda: ann.api("POST", "enroll", {"factor": "totp"}))
        Totp.show = show  # type: ignore[method-assign]

        world.email.failure = RuntimeError(BROKEN)
        email = await ann.authenticator("email")
        found["send"] = await reported(world, lambda: ann.api("POST", "challenge", {"authenticator": email}))
        world.email.failure = None

        render, cookies = world.gate.web.site.renderer, dict(ann.cookies)
        object.__setattr__(world.gate.web.site, "renderer", None)
        found["page"] = await reported(world, lambda: ann.page("/mfa"))
        object.__setattr__(world.gate.web.site, "renderer", render)

        store, made = world.engine.store, list[str]()
        swap, entropy = store.swap, world.engine.wiring.entropy

        def drawn(size: int) -> bytes:
            raw = entropy(size)
            made.append("".join(ALPHABET[byte % len(ALPHABET)] for byte in raw)[:5])
            return raw

        assert await ann.is_in()
        access = world.gate.service.access
        judge, access.judge = access.judge, breaks  # type: ignore[method-assign]
        found["status"] = await reported(world, lambda: ann.ask("GET", "/status"))
        access.judge = judge  # type: ignore[method-assign]
        object.__setattr__(store, "swap", breaks)
        object.__setattr__(world.engine.wiring, "entropy", drawn)
        found["ticket"] = await reported(world, lambda: ann.ask("GET", "/open/ticket"))
        object.__setattr__(world.engine.wiring, "entropy", entropy)
        object.__setattr__(store, "swap", swap)
        known += made

        found["app"] = await reported(world, lambda: ann.ask("GET", "/broken"))
        identify = world.gate.web.callers.subject_now
        world.gate.web.callers.subject_now = breaks
        found["sign-out"] = await reported(world, lambda: ann.ask("POST", "/logout"))
        world.gate.web.callers.subject_now = identify
        known += [*cookies.values(), *ann.cookies.values()]
    print(json.dumps({"secrets": known, "events": found}))


if __name__ == "__main__":
    asyncio.run(main([]))
    asyncio.run(main(sys.argv[1:]))
