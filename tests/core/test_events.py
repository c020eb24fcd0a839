"""Events, references and reasons: stable words, the same in a repeated step.

A step is repeated when its swap is lost.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.entropy import draw_id, draw_ref, expand, handle_digest
from mfa_gate.core.events import EVENTS, KINDS, UNKNOWN, Event, EventKind, Moment, Notice, Words, kind_of
from mfa_gate.core.events.kind import indexed
from mfa_gate.core.events.record import MOVED, moved, place_of, unmoved
from mfa_gate.core.model import SubjectKey
from mfa_gate.core.reasons import REASONS, Reason, Refusal, Sentence

from .builders import HOME, moment

KEY = SubjectKey("clinic", "ann")

STATUSES = {
    **dict.fromkeys(
        (
            "wrong_code",
            "code_expired",
            "code_already_used",
            "not_enrollable",
            "phone_region",
            "phone_type",
            "malformed",
        ),
        422,
    ),
    **dict.fromkeys(("csrf", "locked", "not_allowed", "proof_required"), 403),
    "too_large": 413,
    "media_type": 415,
    "too_soon": 429,
    "store_unavailable": 503,
    "signed_out": 401,
    "not_found": 404,
    "early_data": 425,
}
"""The statuses that contract 3 names."""


@pytest.mark.parametrize(("reason", "status"), STATUSES.items())
def test_statuses_are_the_contracts(reason: str, status: int) -> None:
    """Contract 3: every refusal has one row, and its status is the documented one."""
    assert Refusal(reason=reason).row.status == status


def test_every_row_is_whole() -> None:
    """Each reason is a lower-case word with a title and a sentence that says what to do."""
    for word, row in REASONS.items():
        assert word == row.word
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", word)
        assert row.title
        assert not row.title.endswith(".")
        assert row.text.endswith(".")
        assert 400 <= row.status <= 503


def test_an_unknown_reason_is_a_bug() -> None:
    """A refusal in a word that has no row is noticed, not shown."""
    with pytest.raises(KeyError):
        _ = Refusal(reason="because").row


def test_an_event_says_who_what_where() -> None:
    """An event has its fields, and all other values are its detail.

    The actor is the subject unless another one is named.
    """
    event = moment(app="web", policy="p1").event("account.locked", KEY, reason="attempts", factor="app", left=0)
    assert (event.tenant, event.account, event.actor, event.app, event.policy) == ("clinic", "ann", "ann", "web", "p1")
    assert (event.reason, event.factor, event.network, dict(event.detail)) == ("attempts", "app", HOME, {"left": 0})
    assert moment(actor="boss").event("account.unlocked", KEY).actor == "boss"
    assert moment(actor="boss").event("account.unlocked", KEY, actor="operator:x", ticket="T").actor == "operator:x"


def test_a_repeated_step_tells_the_same() -> None:
    """A repeated step has the same ids, and another moment has other ids.

    Design 1: a step that a swap retries draws no randomness.
    """
    one, same = moment().event("proof.granted", KEY), moment().event("proof.granted", KEY)
    assert one == same
    assert re.fullmatch(r"[A-Z2-7]{10}", one.id)
    other = moment(nonce=b"m" * 32).event("proof.granted", KEY)
    assert len({one.id, other.id, moment().event("account.locked", KEY).id}) == 3


def test_entropy_is_split_by_label() -> None:
    """Two labels give independent bytes of one seed.

    A seed and a label cannot be shifted into another pair with the same bytes.
    """
    seeds = [(b"ab", "c"), (b"a", "bc"), (b"abc", ""), (b"", "abc"), (b"ab", "d")]
    drawn = {expand(seed, label, 16) for seed, label in seeds}
    assert len(drawn) == len(seeds)
    assert expand(b"s", "x", 32)[:16] == expand(b"s", "x", 16)
    assert len(draw_id(b"s", "x")) == 16
    assert draw_ref(b"s", "x") != draw_ref(b"s", "y")


def test_a_handle_is_stored_as_a_digest() -> None:
    """The stored digest of a handle does not tell the cookie.

    S-20. No handle has no digest.
    """
    assert handle_digest("") == ""
    digest = handle_digest("a" * 40)
    assert len(digest) == 22
    assert digest != handle_digest("a" * 39 + "b")
    assert "aaaa" not in digest


WORDS = Words("Something")
TOLD = Notice(headline="A", sentence="B", closing="C")


@pytest.mark.parametrize(
    "row",
    [
        {"seen_by": "person"},
        {"seen_by": "person", "own": WORDS, "notice": Notice(headline="A", sentence="B", closing="")},
        {"seen_by": "desk"},
        {"seen_by": "trail", "trail": ""},
        {"seen_by": "desk", "own": WORDS, "desk": WORDS},
        {"seen_by": "trail", "own": WORDS},
        {"seen_by": "trail", "desk": WORDS},
        {"seen_by": "person", "own": Words("")},
        {"seen_by": "person", "own": Words("Something", "without its name")},
        {"seen_by": "desk", "desk": WORDS, "notice": TOLD},
    ],
)
def test_a_row_without_its_words_cannot_be_made(row: dict[str, Any]) -> None:
    """An event row without its words fails at import.

    It never becomes a general sentence on a page.
    """
    with pytest.raises(ValueError):
        EventKind(**{"kind": "a.b", "trail": "it happened", **row})


def test_a_kind_has_one_row() -> None:
    """A second row for one kind is refused.

    A kind that only another version knows has words of its own.
    """
    row = EventKind(kind="a.b", trail="it happened", seen_by="trail")
    with pytest.raises(ValueError):
        indexed(row, EventKind(kind="a.b", trail="it happened again", seen_by="trail"))
    assert indexed(row) == {"a.b": row}
    assert kind_of("account.locked") is EVENTS["account.locked"]
    assert kind_of("a.b") is UNKNOWN
    assert "backup_code.used" not in KINDS


@pytest.mark.parametrize("kind", ["admin.denied", "decision.report", "account.lookalike"])
def test_events_that_are_not_the_persons(kind: str) -> None:
    """Events for administrators alone are not shown on the person's own page."""
    assert EVENTS[kind].seen_by == "desk"


def test_a_reason_without_its_words_cannot_be_made() -> None:
    """A row of the reasons has every word, and a special case says its value."""
    for row in ({"text": ""}, {"title": ""}, {"status": 200}, {"untyped": ("", "b")}):
        with pytest.raises(ValueError):
            Reason(**{"word": "a", "status": 422, "title": "A", "text": "B.", **row})  # type: ignore[arg-type]
    for sentence in ({"text": ""}, {"detailed": "x"}, {"lasting": "x"}, {"behind": "x"}, {"by_detail": {"x": ""}}):
        with pytest.raises(ValueError):
            Sentence(**{"text": "A", **sentence})  # type: ignore[arg-type]


def test_a_moment_names_who_acts() -> None:
    """Without an actor the person acts; a stand-in is told in the detail."""
    key = SubjectKey("clinic", "ann")
    moment = Moment(now=7, nonce=b"n" * 32, acts_as="eve", browser="b1")
    made = moment.event("attempt.failed", key, factor="app", count=2)
    assert (made.actor, made.account, made.browser, made.factor) == ("ann", "ann", "b1", "app")
    assert made.detail == {"acts_as": "eve", "count": 2}
    assert moment.event("attempt.failed", key, acts_as="dan", browser="b2", actor="x").detail == {"acts_as": "dan"}
    assert replace(moment, acts_as="", actor="boss").event("attempt.failed", key).actor == "boss"


def test_a_line_that_was_moved() -> None:
    """The line of another store tells when it came, and can be read as it was."""
    made = Event(id="E", kind="attempt.failed", at=7, tenant="clinic", detail={"a": 1})
    there = moved(made, at=9)
    assert there.detail == {"a": 1, MOVED: 9}
    assert unmoved(there) == made


@pytest.mark.parametrize(
    ("address", "network", "place"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("", "192.0.2.0", "192.0.2.0"),
        ("192.0.2.7", "=office", "192.0.2.7 (office)"),
        ("", "=office", "office"),
        ("", "", ""),
    ],
)
def test_the_place_of_an_event(address: str, network: str, place: str) -> None:
    """The address in full, with the name of a trusted network beside it."""
    assert place_of(Event(id="E", kind="k", at=7, tenant="t", address=address, network=network)) == place


@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_the_words_for_the_desk(kind: str) -> None:
    """Administrators read words of their own where there are some, else those of the person.

    The trail has all.
    """
    row = EVENTS[kind]
    assert row.about is (row.desk if row.desk is not None else row.own)
    assert (row.about is None) is (row.seen_by == "trail")
