"""Answer the phone's page below ``/approve``, its files, and the calls of its script.

The phone's key signs the calls. Nobody is signed in.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..core.reasons import Refusal
from ..ports import HasPushKey
from ..service import Service
from ..service.out_of_band import OutOfBand
from . import views
from .api import refuse_body, refuse_foreign
from .assets import asset_name, static_assets
from .forms import BadBody, read_json
from .members import BadMember, Member, typed
from .request import Site
from .responses import NO_STORE, PAGE_HEADERS, Answer, as_json, leading, page, problem, stamp
from .scope import browser_label, root_of
from .types import Receive, Scope

TEXT = Member((str,), "text", {"type": "string"})
Body = dict[str, Any]
WORKER, ICON = "approve-worker.js", "approve.svg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A request of a phone: its address, and the name by which its browser calls itself."""

    site: Site
    desk: OutOfBand
    scope: Scope
    address: str
    base: str

    @property
    def service(self) -> Service:
        """Return the use cases."""
        return self.site.service


async def answer(site: Site, scope: Scope, receive: Receive, place: str) -> Answer:
    """Answer a request for ``place``, the path below ``/approve``."""
    root, desk = root_of(scope), site.service.out_of_band
    if desk is None:
        return problem(Refusal(reason="not_found"))
    phone = Phone(
        site=site, desk=desk, scope=scope, address=site.callers.address(scope), base=f"{root}{site.prefix}/approve"
    )
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    shown = FILES.get(place)
    if shown is not None:
        if method != "GET":
            return problem(Refusal(reason="method_not_allowed"), headers=[(b"allow", b"GET, HEAD")])
        return shown(phone)
    call = CALLS.get(place)
    if call is None:
        return problem(Refusal(reason="not_found"))
    if method != "POST":
        return problem(Refusal(reason="method_not_allowed"), headers=[(b"allow", b"POST")])
    handler, members = call
    foreign = refuse_foreign(site, scope)
    if foreign is not None:
        return foreign
    try:
        sent = await read_json(scope, receive, within=site.body_within)
        body = typed(sent, dict.fromkeys(members, TEXT), members)
    except (BadBody, BadMember) as bad:
        return refuse_body(bad)
    return await handler(phone, body)


# -- the page and its files --------------------------------------------------------------------------------------------


def show(phone: Phone) -> Answer:
    """Answer ``GET /approve`` with the same page for everybody; its script fetches the rest."""
    site, engine = phone.site, phone.service.engine
    frame = replace(
        site.plain_frame(phone.scope, engine.policy.base),
        languages=site.shown_languages,
        here=phone.base,
        dev=site.dev,
    )
    sender = engine.wiring.senders.push
    key = sender.application_server_key if isinstance(sender, HasPushKey) else ""
    return page(site.renderer.render(views.Approve(host=engine.wiring.relying_party.id, push_key=key), frame))


def manifest(phone: Phone) -> Answer:
    """Answer with the web app manifest: it names the page when it is installed."""
    name = phone.service.engine.wiring.relying_party.name
    static = phone.base.removesuffix("/approve") + "/static/"
    document = {
        "name": name,
        "short_name": name[:12],
        "start_url": phone.base,
        "scope": phone.base,
        "id": phone.base,
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": "#ffffff",
        "icons": [{"src": static + asset_name(ICON), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}],
    }
    body = json.dumps(document, ensure_ascii=False).encode()
    return Answer(200, body, NO_STORE, media="application/manifest+json")


def worker(phone: Phone) -> Answer:
    """Answer with the service worker, at an address of its own.

    There it may look after the page and nothing else.
    """
    content = static_assets()[asset_name(WORKER)].content
    allowed = leading(b"service-worker-allowed", phone.base)
    return Answer(200, content, (*PAGE_HEADERS, allowed), media="text/javascript; charset=utf-8")


FILES: Mapping[str, Callable[[Phone], Answer]] = {
    "": show,
    "/manifest.webmanifest": manifest,
    "/worker.js": worker,
}


# -- what the script asks ----------------------------------------------------------------------------------------------


async def nonce(phone: Phone, body: Body) -> Answer:
    """Answer ``POST nonce`` with something fresh to sign."""
    return as_json({"nonce": phone.desk.nonce()})


async def join(phone: Phone, body: Body) -> Answer:
    """Answer ``POST join``: the phone that scanned the picture shows its key."""
    joined = await phone.desk.join(
        token=body["token"],
        key=body["key"],
        signature=body["signature"],
        label=browser_label(phone.scope),
        address=phone.address,
    )
    if isinstance(joined, Refusal):
        return problem(joined)
    return as_json({"device": joined.token, "person": joined.person, "service": joined.service}, status=201)


async def waiting(phone: Phone, body: Body) -> Answer:
    """Answer ``POST waiting`` with the requests that wait for this phone.

    Reading is no attempt, and the answer has no number in it (S-98).
    """
    found = await phone.desk.waiting(
        device=body["device"], nonce=body["nonce"], signature=body["signature"], address=phone.address
    )
    if isinstance(found, Refusal):
        return problem(found)
    return as_json(
        {
            "device": found.device.token,
            "person": found.device.person,
            "service": found.device.service,
            "subject": found.subject,
            "nonce": found.nonce,
            "requests": [
                {
                    "id": request.id,
                    "purpose": request.purpose,
                    "where": request.where,
                    "agent": request.agent,
                    "at": stamp(request.at),
                    "ends_at": stamp(request.expires_at),
                    "expires": str(request.expires_at),
                }
                for request in found.requests
            ],
        }
    )


async def reply(phone: Phone, body: Body) -> Answer:
    """Answer ``POST answer``: yes with the number that was typed, or no."""
    refusal = await phone.desk.answer(
        device=body["device"],
        request=body["request"],
        verb=body["verb"],
        number=body["number"],
        signature=body["signature"],
        address=phone.address,
    )
    return problem(refusal) if refusal is not None else as_json({"status": "done"})


async def wake(phone: Phone, body: Body) -> Answer:
    """Answer ``POST wake``: keep the address at which a push service reaches this phone."""
    refusal = await phone.desk.wake_at(
        device=body["device"],
        nonce=body["nonce"],
        signature=body["signature"],
        subscription=body["subscription"],
        address=phone.address,
    )
    return problem(refusal) if refusal is not None else as_json({"status": "done"})


CALLS: Mapping[str, tuple[Callable[[Phone, Body], Awaitable[Answer]], tuple[str, ...]]] = {
    "/nonce": (nonce, ()),
    "/join": (join, ("token", "key", "signature")),
    "/waiting": (waiting, ("device", "nonce", "signature")),
    "/answer": (reply, ("device", "request", "verb", "number", "signature")),
    "/wake": (wake, ("device", "nonce", "signature", "subscription")),
}
"""Calls of the script, each with exactly these members, all of them texts."""
