"""Parts of an account that are over are taken out at its next change."""

from __future__ import annotations

from dataclasses import replace

from mfa_gate.core.changes import admin
from mfa_gate.core.changes.bounds import tidy
from mfa_gate.core.model import Asked, Attempts, Ticket
from mfa_gate.core.rules import DAY
from tests.core.builders import NOW, account, moment

TICKET = Ticket(digest="d", expires_at=NOW, actor="boss", ref="R")
ASKED = Asked(act="reset", asked_by="boss", asked_at=NOW - DAY, reason="lost", ticket="T-1", ref="R")


def test_a_ticket_and_a_request_that_are_over() -> None:
    """A ticket is over at its second, a request of an administrator a second after its day."""
    before = account(ticket=TICKET, asked=ASKED)
    assert (tidy(before, NOW - 1).ticket, tidy(before, NOW - 1).asked) == (TICKET, ASKED)
    assert (tidy(before, NOW).ticket, tidy(before, NOW).asked) == (None, ASKED)
    assert tidy(before, NOW + 1).asked is None


def test_a_reset_sets_back_the_days_of_a_clock_that_ran_ahead() -> None:
    """Failures of days to come count for today, and none is lost."""
    today = NOW // DAY
    days = ((today - 1, 1), (today, 2), (today + 9, 3))
    before = replace(account("app"), seen_at=NOW + 9 * DAY, attempts=Attempts(used=6, days=days))
    change = admin.reset(before, moment(), ticket="T-1", reason="the clock was wrong")
    assert change.answer is None
    assert change.account.seen_at == NOW
    assert sum(count for _, count in change.account.attempts.days) in (0, 6)
    assert all(day <= today for day, _ in change.account.attempts.days)
