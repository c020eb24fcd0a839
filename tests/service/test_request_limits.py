"""A browser that waits for an answer counts by itself, and a stranger with all others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.model import Account, Enrollment, SubjectKey
from mfa_gate.service.request_limits import _waits
from tests.harness import START

DRAFT = Enrollment(id="d", factor="totp", label="", browser="h", started_at=START, expires_at=START + 60)


@pytest.mark.parametrize(
    ("handle", "age", "waits"), [("h", 0, True), ("h", 59, True), ("h", 60, False), ("other", 0, False), ("", 0, False)]
)
def test_a_browser_with_a_draft(handle: str, age: int, waits: bool) -> None:
    """It does so for as long as the draft lives."""
    account = Account(key=SubjectKey("alpha", "ann"), enrollments=(DRAFT,))
    assert _waits(account, handle, START + age) is waits


def test_a_browser_without_a_cookie_is_no_known_one() -> None:
    """A draft of such a browser makes none of them known."""
    account = Account(key=SubjectKey("alpha", "ann"), enrollments=(replace(DRAFT, browser=""),))
    assert _waits(account, "", START) is False
