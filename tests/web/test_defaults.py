"""Pages: a fact that nobody gives is empty, zero or no. Templates of hosts rely on it."""

from __future__ import annotations

from mfa_gate.core.decision import FOREVER
from tests.defaults import filled_in, given

WEEK = 7 * 86_400
FILLED_IN = {
    "AdminAccount.attempts_max": 7,
    "AdminAccount.longest": 11,
    "AdminAccount.typed_hours": "4",
    "AdminMany.rows_here": "<!-- rows -->",
    "AdminTenant.can_remind": True,
    "AdminWhatIf.request": "GET /",
    "BackupCodes.step": 3,
    "BackupCodesStart.count": 10,
    "BackupStock.warn_at": 3,
    "BrowserLine.kind": "browser",
    "Bars.height": 160,
    "Bars.width": 600,
    "Chart.height": 160,
    "Chart.width": 600,
    "Bounds.idle": 5.0,
    "Bounds.most": 32 * 2**20,
    "Bounds.within": 60.0,
    "Call.limit": 16 * 1024,
    "Challenge.digits": 6,
    "Challenge.max_age": WEEK,
    "Challenge.recovery": True,
    "Challenge.remember": True,
    "Challenge.remember_for": WEEK,
    "Challenge.sending": "none",
    "CodeHelp.recovery": True,
    "Continue.why": "already",
    "Locked.cause": "attempts",
    "SignInAgain.max_age": WEEK,
    "EnrollChoice.demanded": True,
    "EnrollChoice.purpose": "first",
    "EnrollChoice.steps": 3,
    "EnrollConfirm.ask_label": True,
    "EnrollConfirm.digits": 6,
    "EnrollConfirm.sending": "none",
    "EnrollConfirm.step": 2,
    "EnrollConfirm.steps": 3,
    "EnrollContact.digits": 6,
    "EnrollContact.sending": "unsent",
    "EnrollDone.step": 3,
    "EnrollDone.steps": 3,
    "EnrollStart.step": 2,
    "EnrollStart.steps": 3,
    "EnrollStart.example": "(202) 555-0123",
    "FactorLine.can_be_default": True,
    "Frame.lang": "en",
    "LetIn.ends_at": FOREVER,
    "LetIn.learned": True,
    "Mail.radius": 12,
    "Recovery.by_hand": True,
    "RecoverySent.by_hand": True,
    "Site.body_within": 10.0,
    "Site.json_status": 403,
    "Timing.again": 25.0,
    "Timing.patience": 1.0,
    "Timing.tick": 0.5,
}
"""The defaults that say something."""


def test_the_defaults() -> None:
    """No page says a number, a time or a yes that nobody gave it, unless it stands here."""
    assert filled_in("web") == FILLED_IN


GIVEN = {
    "color_in.depth": 4,
    "read_body.limit": 16384,
    "read_form.fields": 20,
    "read_json.limit": 16384,
    "_text.longest": 1024,
    "unknown.kind": "member",
    "ask_later.status": 422,
    "problem_from.field": "code",
    "problem_from.lang": "en",
    "PageRequest.lead_on.turned_away": True,
    "PageRequest.show.status": 200,
    "page.status": 200,
    "as_json.status": 200,
    "as_json.media": "application/json",
    "safe_path.limit": 1024,
}
"""The arguments that say something where nobody gives them."""


def test_the_defaults_of_arguments() -> None:
    """An argument that nobody gives is empty, zero or no, unless it stands here."""
    assert given("web") == GIVEN
