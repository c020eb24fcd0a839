"""Show an act on many people: first its numbers, then a result for each, as it comes.

No script is needed. The page with the results is sent while the work goes on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qsl

from ...core.model import SubjectKey
from ...core.reasons import Refusal
from ...core.trail_search import BadFilter
from ...service.admin.many import IDLE, MOST, OF_THE_ACTOR, REACHED, Chosen, Outcome, Plan
from ..request import PageRequest
from ..responses import Answer
from ..streamed import StreamedPage
from ..views import Problem
from ..views.many import ROWS_HERE, AdminMany, ManyEnd, ManyRow, ManyRows
from .admin import account_url, slip_of
from .common import not_found
from .desk import actor_of, desk_of, refused

PEOPLE = "/admin/accounts"
PICK = "pick-"
ROWS_AT_ONCE = 10


def chosen_in(request: PageRequest) -> Chosen:
    """Read the people of a form: those who are ticked, or everybody who fits the filters.

    Raises ``BadFilter``.
    """
    form = request.form
    if form.get("all") == "yes":
        return Chosen(search=request.service.reviews.search_of(dict(parse_qsl(form.get("filter", "")))))
    ticked = [value for name, value in form.items() if name.startswith(PICK)]
    named = form.get("ids", "").replace("\r\n", "\n").split("\n")
    return Chosen(ids=tuple(id for id in (*ticked, *named) if id))


async def plan(request: PageRequest, chosen: Chosen, *, problem: Problem | None = None) -> Answer:
    """Show what would happen to how many, and ask for the reason once."""
    desk, form, act = desk_of(request, "accounts"), request.form, request.form.get("action", "")
    back = f"{PEOPLE}{desk.query}"
    found = await request.service.many_desk.plan(actor_of(request), act, desk.tenant, chosen)
    if isinstance(found, Refusal):
        return refused(request, found, back)
    page = AdminMany(
        desk=desk,
        act=act,
        back=request.own(back),
        fits=found.fits,
        counts=_in_order(found),
        is_cut=found.is_cut,
        hidden=(("most", str(found.fits)), *_who(chosen, form.get("filter", ""))),
        can_mail=act == "ticket" and request.service.account_desk.ticket_mails.can_mail,
        typed_reason=form.get("reason", ""),
        typed_mail=form.get("mail") == "yes",
    )
    return request.show(page, status=422 if problem else 200, problems=[problem] if problem else ())


async def act(request: PageRequest) -> Answer:
    """Answer ``POST /admin/many``: do the act, and show a result for each person as it comes."""
    form, name, most = request.form, request.form.get("action", ""), request.form.get("most", "")
    await request.judgement()
    try:
        chosen = chosen_in(request) if name in IDLE else None
    except BadFilter:
        chosen = None
    if chosen is None:
        return not_found(request)
    if not form.get("reason", "").strip():
        return await plan(request, chosen, problem=Problem(reason="reason_stated", field="reason"))
    if name == "forget" and form.get("sure") != "yes":
        return await plan(request, chosen, problem=Problem(reason="sure_stated", field="sure"))
    desk, limit = desk_of(request, "accounts"), int(most) if most.isascii() and most.isdecimal() else MOST
    given = {"reason": form["reason"], **({"mail": True} if form.get("mail") == "yes" and name == "ticket" else {})}
    desk_of_many = request.service.many_desk
    found = await desk_of_many.run(actor_of(request), name, desk.tenant, chosen, most=max(1, limit), **given)
    if isinstance(found, Refusal):
        return refused(request, found, f"{PEOPLE}{desk.query}")
    back = request.own(f"{PEOPLE}{desk.query}")
    shell = request.show(AdminMany(desk=desk, act=name, back=back, fits=limit, is_running=True))
    return StreamedPage(shell, _results(request, name, found, total=limit, back=back), at=ROWS_HERE)


async def _results(
    request: PageRequest, act: str, outcomes: AsyncIterator[Outcome], *, total: int, back: str
) -> AsyncIterator[str]:
    """Yield the results in pieces, then their end."""
    frame, render = request.frame(), request.site.renderer.render
    rows, done, others, stopped, slips = list[ManyRow](), 0, 0, "", False
    async for one in outcomes:
        if one.word in OF_THE_ACTOR:
            stopped = one.word
            break
        if one.word == "idle":
            continue
        done, others = done + (one.word in REACHED), others + (one.word not in REACHED)
        row = _row(request, one, done + others)
        slips = slips or row.slip is not None
        rows.append(row)
        if len(rows) == ROWS_AT_ONCE:
            yield render(ManyRows(act=act, rows=tuple(rows), total=total), frame).decode()
            rows = []
    yield render(ManyRows(act=act, rows=tuple(rows), total=total), frame).decode()
    yield render(ManyEnd(act=act, back=back, done=done, others=others, stopped=stopped, slips=slips), frame).decode()


def _row(request: PageRequest, one: Outcome, number: int) -> ManyRow:
    key = SubjectKey(request.asked_tenant, one.id)
    slip = slip_of(request, key, one.name, one.done) if one.done else None
    return ManyRow(
        number=number,
        id=one.id,
        name="" if one.done and one.done.pseudonym else one.name,
        url="" if one.done and one.done.pseudonym else account_url(request, key),
        word=one.word,
        mailed_to=one.done.mailed_to if one.done else "",
        slip=slip,
    )


def _in_order(found: Plan) -> tuple[tuple[str, int], ...]:
    """List the numbers, those of people to whom something happens first."""
    first = [word for word in REACHED if found.counts.get(word)]
    return tuple((word, found.counts[word]) for word in [*first, *sorted(set(found.counts) - set(first))])


def _who(chosen: Chosen, filters: str) -> tuple[tuple[str, str], ...]:
    """Return the fields that name the people again."""
    if chosen.search is None:
        return (("ids", "\n".join(chosen.ids)),)
    return ("all", "yes"), ("filter", filters)
