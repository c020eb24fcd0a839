"""The worth of an account after an older copy of its store was put back."""

from __future__ import annotations

from dataclasses import replace

from mfa_gate.core.changes.after_restore import after_restore
from mfa_gate.core.model import Recovery, Sent, Ticket, Twin

from ..builders import NOW, account, browser, challenge, proof

SLOW = Recovery(ref="R", at=NOW - 9, about="lost", network="", opens_at=NOW + 9, told="sealed", reminded=2)


def test_what_the_copy_cannot_know_is_void() -> None:
    """F-38: codes, tickets, proofs and a recovery that opens by itself.

    Nobody knows if they were used or stopped.
    """
    of = account(
        "app",
        proofs=(proof(),),
        challenges=(challenge(),),
        ticket=Ticket(digest="d", expires_at=NOW + 9, actor="", ref=""),
        recovery=SLOW,
    )
    of = replace(of, browsers=(browser(proof(), twin=Twin(answer="a", handle="h", at=NOW)),))
    made = after_restore(of, NOW)
    assert (made.epoch, made.restored_at, made.challenges, made.ticket) == (1, NOW, (), None)
    assert made.recovery == replace(SLOW, opens_at=0, told="", reminded=0)
    assert made.browsers[0].twin is None
    assert made.authenticators == of.authenticators
    assert after_restore(made, NOW) is made, "once for each copy"


def test_marks_of_a_clock_that_ran_ahead_are_set_back() -> None:
    """The person is not shut out by sends and waits of a day that has not come."""
    of = account("app", seen_at=NOW + 99, quiet_until=NOW + 99, sent=(Sent(factor="text", at=NOW + 99, mark=NOW + 99),))
    made = after_restore(of, NOW)
    assert (made.seen_at, made.quiet_until, made.sent) == (NOW, NOW, (Sent(factor="text", at=NOW),))
