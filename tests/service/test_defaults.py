"""Documents of the service: a fact that nobody gives is empty, zero or no."""

from __future__ import annotations

from tests.defaults import filled_in, given

FILLED_IN = {
    "AccountDocument.may_act": True,
    "Action.method": "POST",
    "Column.kind": "text",
    "Entry.differences": -1,
    "Job.shared": True,
    "Question.request": "GET /",
    "Raw.kind": "totp",
    "Raw.algorithm": "SHA1",
    "Raw.digits": "6",
    "Raw.period": "30",
    "Raw.step": "0",
    "Record.algorithm": "sha1",
    "Record.digits": 6,
    "Record.period": 30,
    "Reader.lang": "en",
    "Stopped.requests": 1,
    "Verdict.is_signed": True,
    "Verified.remembered": True,
    "WaitingPolicy.is_compared": True,
}
"""The defaults that say something. ``Raw`` and ``Record`` are those of every authenticator app (RFC 6238)."""


def test_the_defaults() -> None:
    """No default names a time, a number or a yes, unless it stands here."""
    assert filled_in("service") == FILLED_IN


GIVEN = {
    "AccountDesk.act.hours": 4,
    "AccountDesk.act.drawn": True,
    "account_document.privileged": True,
    "ManyDesk.run.most": 10000,
    "PersonDesk.leavers.limit": 50,
    "Reviews.page.sort": "id",
    "Reviews.page.limit": 50,
    "Reviews.stream.whole": True,
    "Reviews.lines.whole": True,
    "TrailDesk.events.limit": 50,
    "HostCall.__init__.threads": 1,
    "Enrollments.begin.anew": True,
    "erase.is_person": True,
    "Steps.step.count": 1,
    "Person.ticket.reason": "given by the application",
    "tell_refused.shown": "not_allowed",
    "check_canary.serves": True,
    "TrailReader.page.limit": 200,
    "Verification.verify.remember": True,
}
"""The arguments that say something where nobody gives them."""


def test_the_defaults_of_arguments() -> None:
    """An argument that nobody gives is empty, zero or no, unless it stands here."""
    assert given("service") == GIVEN
