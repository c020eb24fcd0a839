"""The pages of an act on many people, and of reports, in every state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mfa_gate.core.rules import DAY
from mfa_gate.service.admin.reports import REPORTS, Row
from mfa_gate.web.bars import bars_of
from mfa_gate.web.render import Renderer
from mfa_gate.web.views import Frame, Problem
from mfa_gate.web.views.admin import Desk
from mfa_gate.web.views.desk import Slip
from mfa_gate.web.views.many import AdminMany, ManyEnd, ManyRow, ManyRows
from mfa_gate.web.views.start import AdminReport

BACK = "/mfa/admin/accounts"
PLACE = "https://app.example/mfa/enroll"


def many_pages(frame: Frame, desk: Desk, now: int) -> Iterator[tuple[str, Any, Frame]]:
    """The numbers, a reason that is missing, and the results to their end."""
    desk = replace(desk, place="accounts")
    plan = AdminMany(
        desk=desk,
        act="ticket",
        back=BACK,
        fits=412,
        counts=(("done", 412), ("above", 2), ("already_enrolled", 31), ("own", 1)),
        hidden=(("ids", "ann\nbob"),),
        can_mail=True,
    )
    yield "admin-many", plan, frame
    forget = replace(plan, act="forget", counts=(("done", 3), ("waits", 1)), is_cut=True, can_mail=False)
    wrong = (Problem(reason="reason_stated", field="reason"), Problem(reason="sure_stated", field="sure"))
    yield "admin-many-erase-wrong", forget, replace(frame, problems=wrong)
    yield "admin-many-nobody", replace(plan, act="unlock", fits=0, counts=(("idle", 4),)), frame
    slip = Slip(
        id="ann@clinic.example", name="Ann Example", code="EYE71-JFWTG-0YX5R-E6CNM-GXHTA-4", ends_at=now, url=PLACE
    )
    ann = ManyRow(number=1, id="ann@clinic.example", name="Ann Example", url=f"{BACK}/ann", word="done", slip=slip)
    bob = ManyRow(number=2, id="bob", name="", url="", word="done", mailed_to="b•••@c•••.example")
    rows = (
        ann,
        bob,
        replace(bob, number=3, mailed_to="", word="above"),
        replace(bob, number=4, mailed_to="", word="waits"),
    )
    end = ManyEnd(act="ticket", back=BACK, done=3, others=1, slips=True)
    pieces = (ManyRows(act="ticket", rows=rows, total=412), end)
    yield "admin-many-results", replace(plan, is_running=True, rows_here=_drawn(pieces, frame)), frame
    stopped = (pieces[0], replace(end, stopped="proof_required"))
    yield "admin-many-stopped", replace(plan, is_running=True, rows_here=_drawn(stopped, frame)), frame


RENDERER = Renderer()
"""One for all galleries of a process: to compile the templates takes longer than to draw every page."""


def _drawn(pieces: tuple[ManyRows | ManyEnd, ...], frame: Frame) -> str:
    return "".join(RENDERER.render(piece, frame).decode() for piece in pieces)


def report_pages(frame: Frame, desk: Desk, now: int) -> Iterator[tuple[str, Any, Frame]]:
    """A report with days, and one with the mix of factors."""
    desk, day = replace(desk, place="reports"), now // DAY * DAY
    sends: list[Row] = [
        {"day": day - back * DAY, "factor": factor, "sent": 5 + back, "failed": 0, "refused": 1, "cost": 7 * back}
        for back in range(5)
        for factor in ("sms", "email")
    ]
    adoption: list[Row] = [
        {"measure": name, "people": people, "percent": people}
        for name, people in (("known", 100), ("factor:totp", 60), ("factor:webauthn", 40))
    ]
    for name, rows in (("sends", sends), ("adoption", adoption)):
        report = REPORTS[name]
        plots = tuple(drawn for plot in report.plots if (drawn := bars_of(report, plot, rows)))
        page = AdminReport(
            desk=desk,
            report=report,
            at=now,
            rows=tuple(rows),
            is_cut=False,
            urls=("",) * len(rows),
            csv_url=BACK,
            back=BACK,
            plots=plots,
        )
        yield f"admin-report-{name}", page, frame
