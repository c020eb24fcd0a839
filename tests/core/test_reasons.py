"""The rows of refusals cannot lack words, and a sentence fits its case."""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate.core.reasons import REASONS
from mfa_gate.core.reasons.row import Reason, Sentence

WHOLE = Sentence(
    text="Plain.",
    detailed="Because %(detail)s.",
    lasting="For %(length)s.",
    behind="Since %(length)s.",
    by_detail={"sms": "By text."},
)


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ({}, "Plain."),
        ({"seconds": 1}, "For %(length)s."),
        ({"seconds": -1}, "Since %(length)s."),
        ({"detail": "x"}, "Because %(detail)s."),
        ({"detail": "sms"}, "By text."),
        ({"detail": "sms", "seconds": 9}, "By text."),
        ({"detail": "x", "seconds": -9}, "Because %(detail)s."),
    ],
)
def test_the_sentence_of_a_case(case: dict[str, Any], said: str) -> None:
    """A detail of its own comes first, then any detail, then a time.

    Without words for a case the plain one is said.
    """
    assert WHOLE.words(**case) == said
    assert Sentence(text="Plain.").words(**case) == "Plain."


def test_every_sentence_goes_to_the_catalogues() -> None:
    """Each text that may be shown is listed, and no empty one."""
    assert WHOLE.every() == ("Plain.", "Because %(detail)s.", "For %(length)s.", "Since %(length)s.", "By text.")
    assert Sentence(text="Plain.", lasting="For %(length)s.").every() == ("Plain.", "For %(length)s.")


@pytest.mark.parametrize(
    "parts",
    [
        {"text": ""},
        {"by_detail": {"sms": ""}},
        {"detailed": "Because."},
        {"lasting": "For long."},
        {"behind": "Since long."},
        {"detailed": "For %(length)s."},
    ],
)
def test_no_sentence_without_its_words(parts: dict[str, Any]) -> None:
    """A case that does not say its value is a fault at the import."""
    with pytest.raises(ValueError, match=r"words|does not say its value"):
        Sentence(**{"text": "Plain.", **parts})


ROW: dict[str, Any] = {"word": "locked", "status": 403, "title": "Locked", "text": "Wait."}


@pytest.mark.parametrize("parts", [{}, {"status": 400}, {"status": 599}, {"untyped": ("Title", "Text")}])
def test_a_whole_row(parts: dict[str, Any]) -> None:
    """A refusal has words, and a status from 400 to 599."""
    assert Reason(**ROW | parts).word == "locked"


@pytest.mark.parametrize(
    "parts",
    [
        {"word": ""},
        {"title": ""},
        {"text": ""},
        {"status": 399},
        {"status": 600},
        {"untyped": ("", "Text")},
        {"untyped": ("Title", "")},
    ],
)
def test_a_row_that_lacks_something(parts: dict[str, Any]) -> None:
    """It is a fault at the import, and no empty page."""
    with pytest.raises(ValueError, match=r"lacks words|has the status"):
        Reason(**ROW | parts)


STATUSES = {
    401: "signed_out unreadable",
    403: "agreement_required contact_required csrf enrollment_required frozen locked not_allowed proof_required "
    "send_refused ticket_required",
    404: "not_found",
    405: "method_not_allowed",
    409: "policy_refused",
    413: "too_large",
    415: "media_type",
    425: "early_data",
    429: "too_soon",
    502: "send_failed",
    503: "factor_unavailable fault store_unavailable",
}
"""The statuses that clients were promised; every other refusal is 422."""


def test_the_status_of_each_refusal() -> None:
    """A client tells by the status if it has to sign in, prove, wait, or write its call anew."""
    promised = {word: status for status, words in STATUSES.items() for word in words.split()}
    assert {word: row.status for word, row in REASONS.items()} == dict.fromkeys(REASONS, 422) | promised
