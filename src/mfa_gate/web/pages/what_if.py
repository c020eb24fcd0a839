"""Show ``/admin/what-if``: what would happen to a request of a real person, and why."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from ...core.model import SubjectKey
from ...core.reasons import Refusal
from ...core.trail_search import BadFilter, last_moment
from ...service.what_if import Question
from ..request import PageRequest
from ..responses import Answer
from ..views import Problem
from ..views.what_if import AdminWhatIf, verdict_of
from .desk import actor_of, desk_of, refused

HERE = "/admin/what-if"


async def what_if(request: PageRequest) -> Answer:
    """Show ``GET /admin/what-if``: the form, and the answer where somebody is named."""
    await request.judgement()
    desk, typed = desk_of(request, "what-if"), request.query
    page = AdminWhatIf(
        desk=desk,
        account=typed.get("account", "").strip(),
        request=_request_line(typed.get("request", "GET /")),
        address=typed.get("address", "").strip(),
        groups=typed.get("groups", ""),
        at=typed.get("at", "").strip(),
    )
    rights, actor = request.service.rights, actor_of(request)
    refusal = await rights.permit(actor, "look", SubjectKey(desk.tenant, ""), changing=False)
    if refusal is not None:
        return refused(request, refusal, HERE + desk.query)
    if not page.account:
        return request.show(page)
    problems = [Problem(reason=f"{name}_stated", field=name) for name in _wrong(page)]
    if problems:
        return request.show(page, status=422, problems=problems)
    found = await request.service.what_if.ask(actor, _question(page, desk.tenant, request.site.sign_out))
    if isinstance(found, Refusal):
        return refused(request, found, HERE + desk.query)
    prefix, path = request.site.prefix, found.outcome.facts.path
    is_own = path == prefix or path.startswith(f"{prefix}/")
    return request.show(replace(page, verdict=verdict_of(found), is_own_page=is_own))


def _request_line(text: str) -> str:
    """Write a method and a path as requests do: one space between, the method in capitals."""
    method, _, target = " ".join(text.split()).partition(" ")
    return f"{method.upper()} {target}"


def _wrong(page: AdminWhatIf) -> list[str]:
    """Name the fields that cannot be read."""
    method, _, target = page.request.partition(" ")
    found = [] if method.isascii() and method.isalpha() and target.startswith("/") else ["request"]
    try:
        if page.address:
            ip_address(page.address)
    except ValueError:
        found.append("address")
    try:
        if page.at:
            last_moment("at", page.at)
    except BadFilter:
        found.append("at")
    return found


def _question(page: AdminWhatIf, tenant: str, sign_out: str) -> Question:
    return Question(
        key=SubjectKey(tenant, page.account),
        request=page.request,
        groups=frozenset(group.strip() for group in page.groups.split(",") if group.strip()),
        address=page.address,
        at=last_moment("at", page.at) if page.at else None,
        sign_out=sign_out,
    )
