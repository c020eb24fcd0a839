"""The cause of a message that was not delivered, for the log."""

from __future__ import annotations

import pytest

from mfa_gate.errors import SendFailed
from mfa_gate.service.send_failures import cause_of


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (SendFailed("refused", transient=False, detail="no such\nmailbox"), "refused: no such mailbox"),
        (RuntimeError("a secret"), "RuntimeError"),
    ],
)
def test_a_cause_is_one_line_without_secrets(error: Exception, cause: str) -> None:
    """Another exception may say anything, so its words are left out."""
    assert cause_of(error).replace("  ", " ") == cause


def test_a_long_cause_is_cut() -> None:
    """A provider fills no log."""
    assert len(cause_of(SendFailed("refused", transient=False, detail="x" * 500))) == 200
