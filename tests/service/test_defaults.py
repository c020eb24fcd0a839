"""Documents of the service: a fact that nobody gives is empty, zero or no."""

from __future__ import annotations

from tests.defaults import filled_in

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
