"""Answer the phone's page below ``/approve``, its files, and the calls of its script.

The phone's key signs the calls. Nobody is signed in.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..core.reasons import Refusal
from ..core.rules import Rules
from ..ports import HasPushKey
from ..service import Service
from ..service.out_of_band import OutOfBand
from . import views
from .api import refuse_body, refuse_foreign
from .assets import asset_name, static_assets
from .brand_files import ICON_SIZES, brand_names
from .forms import BadBody, read_json
from .members import BadMember, Member, typed
from .phone_note import carried_token, read_note, set_note
from .responses import NO_STORE, PAGE_HEADERS, Answer, Header, as_json, leading, page, problem, stamp
from .scope import browser_label, root_of
from .site import Site
from .types import Receive, Scope

TEXT = Member((str,), "text", {"type": "string"})
Body = dict[str, Any]
WORKER = "approve-worker.js"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A request of a phone: its address, and the address of its page.

    ``tenant`` is the organization whose brand the page wears, None where nothing tells it yet. ``is_known`` says that this
    browser was set up once.
    """

    site: Site
    desk: OutOfBand
    scope: Scope
    address: str
    base: str
    tenant: str | None
    is_known: bool

    @property
    def service(self) -> Service:
        """Return the use cases."""
        return self.site.service

    @property
    def rules(self) -> Rules:
        """Return the rules of the organization whose brand the page wears, or those of everybody."""
        return self.service.engine.rules(self.tenant or "")

    def wear(self, tenant: str) -> tuple[Header, ...]:
        """Make the header by which the phone's page wears the brand of ``tenant`` from now on."""
        wiring = self.service.engine.wiring
        return (set_note(self.scope, self.service.engine.keyring, wiring.entropy, path=self.base, tenant=tenant),)


async def answer(site: Site, scope: Scope, receive: Receive, place: str) -> Answer:
    """Answer a request for ``place``, the path below ``/approve``."""
    root, desk = root_of(scope), site.service.out_of_band
    if desk is None:
        return problem(Refusal(reason="not_found"))
    phone = Phone(
        site=site,
        desk=desk,
        scope=scope,
        address=site.callers.address(scope),
        base=f"{root}{site.prefix}/approve",
        tenant=_tenant(site, scope, desk),
        is_known=read_note(scope, desk.engine.keyring) is not None,
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


def _tenant(site: Site, scope: Scope, desk: OutOfBand) -> str | None:
    """Return the tenant in the phone's cookie, or in the picture that it joins with."""
    token = carried_token(scope, https=site.cookies.https)
    found = desk.tenant_of(token) if token else None
    return read_note(scope, desk.engine.keyring) if found is None else found


# -- the page and its files --------------------------------------------------------------------------------------------


def show(phone: Phone) -> Answer:
    """Answer ``GET /approve`` with the page, in the brand of the phone's organization."""
    site, engine = phone.site, phone.service.engine
    frame = replace(
        site.plain_frame(phone.scope, phone.rules),
        languages=site.shown_languages,
        here=phone.base,
        dev=site.dev,
    )
    sender = engine.wiring.senders.push
    key = sender.application_server_key if isinstance(sender, HasPushKey) else ""
    static = f"{phone.base.removesuffix('/approve')}/static/"
    view = views.Approve(
        host=engine.wiring.relying_party.id,
        push_key=key,
        icon=static + brand_names(phone.rules.brand)[f"icon-{ICON_SIZES[0]}"],
        is_known=phone.is_known,
        is_worn=phone.tenant is not None,
    )
    headers = phone.wear(phone.tenant or "") if phone.is_known else ()
    return page(site.renderer.render(view, frame), headers=headers)


def manifest(phone: Phone) -> Answer:
    """Answer with the web app manifest: it names the page when it is installed.

    The installed page starts with the token of the picture that this browser is about to join with.
    """
    brand = phone.rules.brand
    name = brand.name or phone.service.engine.wiring.relying_party.name
    token = carried_token(phone.scope, https=phone.site.cookies.https)
    if phone.desk.tenant_of(token) is None:
        token = ""
    static = phone.base.removesuffix("/approve") + "/static/"
    document = {
        "name": name,
        "short_name": name[:12],
        "start_url": f"{phone.base}#e={token}" if token else phone.base,
        "scope": phone.base,
        "id": phone.base,
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": brand.accent,
        "icons": [
            {
                "src": static + brand_names(brand)[f"icon-{size}"],
                "sizes": f"{size}x{size}",
                "type": "image/png",
                "purpose": "any maskable",
            }
            for size in ICON_SIZES
        ],
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
    document = {"device": joined.token, "person": joined.person, "service": joined.service}
    return as_json(document, status=201, headers=phone.wear(joined.tenant))


async def waiting(phone: Phone, body: Body) -> Answer:
    """Answer ``POST waiting`` with the requests that wait for this phone.

    Reading is no attempt, and the answer has no number in it (S-98). ``worn`` is false where the page wears another brand
    than that of the organization that asks: loaded again, it has the right one.
    """
    found = await phone.desk.waiting(
        device=body["device"], nonce=body["nonce"], signature=body["signature"], address=phone.address
    )
    if isinstance(found, Refusal):
        return problem(found)
    languages, lang = phone.site.languages, phone.site.languages.of(phone.scope)
    is_worn = phone.is_known and (phone.tenant == found.device.tenant or not found.requests)
    return as_json(
        {
            "worn": is_worn,
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
                    "agent": languages.own_name(request.agent, lang),
                    "at": stamp(request.at),
                    "ends_at": stamp(request.expires_at),
                    "expires": str(request.expires_at),
                }
                for request in found.requests
            ],
        },
        headers=() if is_worn else phone.wear(found.device.tenant),
    )


async def reply(phone: Phone, body: Body) -> Answer:
    """Answer ``POST answer``: yes with the typed number, no, or "it was me, but cancel"."""
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
