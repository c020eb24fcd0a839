"""A refused command speaks to an operator at a terminal, never as a page to its visitor."""

from __future__ import annotations

import re

import pytest

from mfa_gate.cli.refusals import WORDS, text_of
from mfa_gate.core.reasons import REASONS, Refusal

PAGE_WORDS = re.compile(r"(?i)\b(go back|your?|you’re|page|address, or|this site|please|enter|choose|we)\b")


@pytest.mark.parametrize("reason", REASONS)
def test_no_command_speaks_as_a_page(reason: str) -> None:
    assert not PAGE_WORDS.search(text_of(Refusal(reason=reason)))
    assert text_of(Refusal(reason=reason, detail="It is so.")) == "It is so."


def test_a_limit_says_when_it_ends() -> None:
    assert text_of(Refusal(reason="too_soon", retry_after=90)).endswith("(again in 90 s)")


def test_a_value_that_cannot_be_taken_is_named() -> None:
    """The words of a code field are none for the hours of a grant."""
    assert text_of(Refusal(reason="malformed", member="hours")) == '"hours" must be a whole number from 1 to 11.'
    assert text_of(Refusal(reason="malformed", member="confirm_or_so")) == WORDS["malformed"]
