"""Answer the page behind the link of a notice, ``/dispute/{token}``.

Nobody is signed in there. GET shows a form with a tick and a button. Scanners of mail follow links, and some press the
button of the form that they find; the tick is a choice that only a person makes.
"""

from __future__ import annotations

from dataclasses import replace

from ..core.networks import UNKNOWN
from ..core.reasons import Refusal
from ..service.disputes import Disputed
from . import views
from .forms import BadBody, read_form
from .responses import Answer, page, redirect
from .scope import own_place
from .site import Site
from .types import Receive, Scope


async def answer(site: Site, scope: Scope, receive: Receive, place: str) -> Answer:
    """Answer a request for the link with the token in ``place``.

    A GET changes nothing, because mail scanners follow links.
    """
    service, method, token = site.service.disputing, scope["method"], place.removeprefix("/")
    if method in ("GET", "HEAD"):
        found = await service.read(token)
        return _gone(site, scope) if found is None else await _show(site, scope, found, done=found.used)
    if method != "POST":
        return _fault(site, scope, Refusal(reason="method_not_allowed"), headers=[(b"allow", b"GET, HEAD, POST")])
    try:
        form = await read_form(scope, receive, within=site.body_within)
    except BadBody as bad:
        return _fault(site, scope, Refusal(reason=bad.reason))
    if form.get("action") != "dispute":
        return _fault(site, scope, Refusal(reason="malformed"))
    read = await service.read(token)
    if read is not None and not read.used and not form.get("sure"):
        return await _show(site, scope, read, done=False, unsure=True)
    network = site.service.engine.rules(read.key.tenant).network_of(site.callers.address(scope)) if read else UNKNOWN
    done = await service.dispute(token, network=network)
    if not isinstance(done, Refusal):
        return redirect(f"{own_place(scope)}#")
    if done.reason == "not_found":
        return _gone(site, scope)
    wait = str(done.retry_after or 1).encode()
    return _fault(site, scope, done, headers=[(b"retry-after", wait)])


def _frame(site: Site, scope: Scope, tenant: str) -> views.Frame:
    return replace(site.plain_frame(scope, site.service.engine.rules(tenant)), dev=site.dev)


async def _show(site: Site, scope: Scope, found: Disputed, *, done: bool, unsure: bool = False) -> Answer:
    view = views.Disputing(
        place=await site.service.engine.place_of(found.network),
        kind=found.kind,
        at=found.at,
        url=own_place(scope),
        network=found.network,
        ref=found.ref,
        done=done,
        undoable=found.undoable,
    )
    problems = (views.Problem(reason="sure_missing", field="sure"),) if unsure else ()
    frame = replace(_frame(site, scope, found.key.tenant), problems=problems)
    return page(site.renderer.render(view, frame), status=422 if unsure else 200)


def _gone(site: Site, scope: Scope) -> Answer:
    """Answer for a link that is not ours, or too old: both look the same and tell nothing."""
    return _fault(site, scope, Refusal(reason="not_found"))


def _fault(site: Site, scope: Scope, refusal: Refusal, *, headers: list[tuple[bytes, bytes]] | None = None) -> Answer:
    status = refusal.row.status
    ref = refusal.ref or site.reference_for(scope, refusal.reason, place=f"{site.prefix}/dispute")
    view = views.Fault(reason=refusal.reason, status=status, ref=ref, retry_after=refusal.retry_after or 0)
    body = site.renderer.render(view, _frame(site, scope, ""))
    return page(body, status=status, headers=headers or ())
