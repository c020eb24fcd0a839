"""Every address that leaves an app below a path of its own leads back to the app."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from mfa_gate.core.model import Caller, Subject
from tests.harness import ORIGIN, App, running

from .calls import Phones
from .phones import push_world

NUMBER = "+1 202-555-0142"


def mounted(app: App, root: str) -> App:
    """Return ``app`` mounted at ``root``.

    A request that names no root goes there as well, as the browsers of these tests do.
    """
    outer = Starlette(routes=[Mount(root, app=app)]) if root else app

    async def served(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        inside = scope["type"] == "lifespan" or scope["path"].startswith(root + "/")
        path = scope.get("path", "") if inside else root + scope["path"]
        await outer({**scope, "path": path, "raw_path": path.encode()}, receive, send)

    return served


@pytest.mark.parametrize("root", ["", "/sub", "/a/b"])
async def test_calls_come_back(root: str) -> None:
    """The address that the provider asks has the root path, and its signature holds.

    The signature of no other address holds.
    """
    phones = Phones.make()
    phones.world.app = mounted(phones.world.app, root)
    async with running(phones.world):
        browser = await phones.world.browser()
        begun = (await browser.api("POST", "enroll", {"factor": "voice", "phone": NUMBER})).json()
        url = phones.provider.last.callback
        assert url.startswith(f"{ORIGIN}{root}/mfa/hooks/voice/")
        bare = url.replace(f"{root}/mfa/", "/elsewhere/mfa/", 1)
        assert (await phones.callback(url=url, signature="forged")).status == 403
        assert (await phones.callback(url=bare)).status in (403, 404)
        greeted = await phones.callback()
        assert greeted.status == 200, greeted.text
        assert f'action="{url}"' in greeted.text
        assert (await phones.callback({"Digits": "#"})).status == 200
        done = await browser.api("POST", "enroll/confirm", {"enrollment": begun["enrollment"], "response": ""})
        assert done.status == 201, done.text


@pytest.mark.parametrize("root", ["", "/sub"])
async def test_the_picture_for_the_phone_leads_here(root: str) -> None:
    """The QR code of an approving phone and the link of a notice have the root path.

    They have the configured origin.
    """
    world = push_world()
    world.app = mounted(world.app, root)
    async with running(world):
        browser = await world.browser()
        begun = (await browser.api("POST", "enroll", {"factor": "push"})).json()
        assert begun["uri"].startswith(f"{ORIGIN}{root}/mfa/approve#e=")
        await browser.enroll()
        await world.engine.effects.idle()
        links = [word for m in world.email.messages for word in m.text.split() if "/dispute/" in word]
        assert links
        assert all(link.startswith(f"{ORIGIN}{root}/mfa/dispute/") for link in links)
        assert (await browser.ask("GET", urlsplit(links[0]).path)).status == 200


async def test_a_host_header_is_in_no_address() -> None:
    """S-71: only the path comes from the request; scheme and host are configured."""
    phones = Phones.make()
    async with running(phones.world):
        engine = phones.world.engine
        assert engine.public("") == f"{ORIGIN}/mfa"
        assert engine.public("/sub") == f"{ORIGIN}/sub/mfa"
        context = phones.world.gate.service.challenges.context(
            Caller(subject=Subject("ann", "alpha"), handle="", network="", root="/sub"),
            engine.rules("alpha"),
            purpose="sign-in",
            account=await phones.world.account(),
        )
        assert context.public == f"{ORIGIN}/sub/mfa"
