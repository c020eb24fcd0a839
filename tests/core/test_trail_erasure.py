"""A person is erased from lines of the trail, and the chain still fits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mfa_gate.core.trail import ERASED, WAS, digest_of, link_digest
from mfa_gate.core.trail_erasure import GONE, KIND, LONG, PLACES, Erasure, ErasureCheck, marks_of

ANN = Erasure(id="ann.long", pseudonym="forgotten-x", ref="REF1")


def line(**parts: Any) -> str:
    whole = {"id": "E1", "kind": "attempt.failed", "account": "bob", "actor": "bob", "detail": {}} | parts
    return json.dumps({name: part for name, part in whole.items() if part is not None}, sort_keys=True)


def erased(text: str, previous: str = "", by: Erasure = ANN) -> dict[str, Any]:
    done = by.apply(text, previous)
    assert done is not None
    return dict(json.loads(done))


def closing(ref: str = "REF1", last: str = "", **parts: Any) -> str:
    return line(id=ref, kind=KIND, detail={"last": last}, **parts)


def test_a_line_of_the_person() -> None:
    """The pseudonym takes the place of the id, and the places where the person was go."""
    places = dict.fromkeys(PLACES, "secret place")
    made = erased(text := line(account="ann.long", actor="ann.long", **places), "before")
    assert (made["account"], made["actor"]) == ("forgotten-x", "forgotten-x")
    assert not {*PLACES} & {*made}
    assert made[WAS] == link_digest(text)
    assert made[ERASED] == [["REF1", "before", ""]]


def test_a_line_of_somebody_else() -> None:
    """Places go where the person acted, and stay where they are only named."""
    made = erased(line(actor="ann.long", network="192.0.2.1", reason="Bob lost it"))
    assert (made["account"], made["actor"], made["reason"]) == ("bob", "forgotten-x", "Bob lost it")
    assert "network" not in made
    named = erased(line(network="192.0.2.1", detail={"asked_by": "ann.long", "confirmed_by": "eve", "note": "Hi, Bob"}))
    assert named["network"] == "192.0.2.1"
    assert named["detail"] == {"asked_by": "forgotten-x", "confirmed_by": "eve", "note": "Hi, Bob"}


@pytest.mark.parametrize("name", ["acts_as", "asked_by", "confirmed_by", "pseudonym"])
def test_each_part_that_holds_an_id(name: str) -> None:
    """These parts of the detail are replaced, also for an id of a few letters."""
    short = Erasure(id="al", pseudonym="forgotten-y", ref="REF1")
    assert erased(line(detail={name: "al"}), by=short)["detail"] == {name: "forgotten-y"}
    assert short.apply(line(detail={"note": "al"}), "") is None


def test_free_texts() -> None:
    """Of texts about the person only a machine's words stay.

    Of other people's texts those go that name the person.
    """
    words = {"a": "bad_code", "b": "ABCDEFG234", "c": "", "d": "Ann lost her phone", "e": 7, "f": "x" * 41, "g": "Ab"}
    made = erased(line(account="ann.long", reason="lost phone", ticket="INC-7 for ann.long", detail=words))
    assert made["reason"] == made["ticket"] == GONE
    assert made["detail"] == words | dict.fromkeys("dfg", GONE)
    other = erased(line(reason="call ann.long!", ticket="INC-7", detail={"d": "Bob lost it", "n": "for ann.long"}))
    assert (other["reason"], other["ticket"]) == (GONE, "INC-7")
    assert other["detail"] == {"d": "Bob lost it", "n": GONE}
    assert erased(line(account="ann.long", reason="bad_code", ticket="Any text"))["ticket"] == "Any text"


def test_a_word_that_may_be_no_person() -> None:
    """Only lines about the account of that name change.

    The actor is kept: the word may be the name of a program.
    """
    word = Erasure(id="nightly", pseudonym="forgotten-z", ref="REF1", only_about=True)
    made = erased(line(account="nightly", actor="nightly", network="192.0.2.1", reason="bad_code"), by=word)
    assert (made["account"], made["actor"], made["network"]) == ("forgotten-z", "nightly", "192.0.2.1")
    for other in (line(actor="nightly"), line(reason="the nightly run"), line(detail={"asked_by": "nightly"})):
        assert word.apply(other, "") is None


@pytest.mark.parametrize("text", ["ann.long", "(ann.long)", "mail ann.long, now", "重置ann.long的账户"])
def test_an_id_in_a_text(text: str) -> None:
    """The id counts as a word of its own."""
    assert erased(line(reason=text))["reason"] == GONE


@pytest.mark.parametrize(
    "other",
    [
        line(),
        line(reason="joann.long"),
        line(reason="ann.longer"),
        line(network="ann.long"),
        "ann.long is no JSON",
        '["ann.long"]',
        "[" * 5000 + "ann.long",
    ],
)
def test_lines_that_do_not_name_the_person(other: str) -> None:
    """Such a line stays as it is."""
    assert ANN.apply(other, "") is None


@pytest.mark.parametrize(("id", "told"), [("a" * LONG, True), ("a" * (LONG - 1), False)])
def test_a_short_id_may_be_any_word(id: str, told: bool) -> None:
    """An id of fewer letters is looked for in no free text."""
    by = Erasure(id=id, pseudonym="p", ref="R")
    assert (by.apply(line(reason=f"for {id}"), "") is not None) is told
    assert LONG == 6


def test_an_id_with_letters_that_json_escapes() -> None:
    """The quick look finds an id as the line has it."""
    odd = Erasure(id='"é"\\', pseudonym="p", ref="R")
    assert odd.concerns(line(account='"é"\\'))
    assert not odd.concerns(line(account="é"))
    assert erased(line(account='"é"\\'), by=odd)["account"] == "p"


def test_two_people_in_one_line() -> None:
    """A second erasure keeps the mark of the first.

    The mark gets the digest of the text that was its result.
    """
    first = ANN.apply(line(account="ann.long", actor="eve.long"), "d0")
    assert first is not None
    second = erased(first, "d9", Erasure(id="eve.long", pseudonym="q", ref="REF2"))
    assert second[ERASED] == [["REF1", "d0", digest_of(first)], ["REF2", "d9", ""]]
    assert second[WAS] == link_digest(first)


@pytest.mark.parametrize(
    ("parts", "marks"),
    [
        ({}, []),
        ({ERASED: []}, []),
        ({ERASED: "x"}, []),
        ({ERASED: [["r", "p", "d"]]}, [("r", "p", "d")]),
        ({ERASED: [["r", "p"], 7, "abc", ["r", "p", "d", "e"], [1, 2, 3]]}, [("1", "2", "3")]),
    ],
)
def test_marks(parts: dict[str, Any], marks: list[tuple[str, str, str]]) -> None:
    """A mark has three parts; anything else is none."""
    assert marks_of(line(**parts)) == marks
    assert marks_of(f'no JSON "{ERASED}":') == []
    assert marks_of(json.dumps([{ERASED: [["r", "p", "d"]]}])) == []


def lines_of_an_erasure() -> tuple[str, str]:
    one = ANN.apply(line(account="ann.long"), "")
    assert one is not None
    two = ANN.apply(line(actor="ann.long"), digest_of(one))
    assert two is not None
    return one, two


def checked(*lines: str) -> tuple[list[int | None], int | None]:
    check = ErasureCheck()
    return [check.look(text, place) for place, text in enumerate(lines, 1)], check.end()


def test_a_whole_erasure() -> None:
    """Each line has the digest of the one before it, and the event has that of the last."""
    one, two = lines_of_an_erasure()
    assert checked(line(), one, line(), two, closing(last=digest_of(two))) == ([None] * 5, None)
    assert checked(two, closing(last=digest_of(two))) == ([None, None], None), "the first one was pruned"
    assert checked(closing(), line()) == ([None, None], None), "all of them were pruned"


def test_a_changed_line() -> None:
    """A change in an erased line, a line put in and a line taken out are found at their place."""
    one, two = lines_of_an_erasure()
    end = closing(last=digest_of(two))
    assert checked(one.replace("forgotten-x", "somebody"), two, end)[0][:2] == [None, 2]
    assert checked(one, two.replace("forgotten-x", "somebody"), end)[0] == [None, None, 2]
    assert checked(two, one, end)[0][1] == 2
    assert checked(one, two, end, one)[0][3] == 4, "after its event"
    assert checked(one, end)[0] == [None, 1], "the last one is missing"


def test_an_erasure_without_its_event() -> None:
    """The first line of it is named at the end."""
    one, two = lines_of_an_erasure()
    assert checked(line(), one, two) == ([None] * 3, 2)
    assert checked(line(), one, two, closing("REF2")) == ([None] * 4, 2)


@pytest.mark.parametrize("odd", [f'no JSON "{KIND}"', json.dumps({"x": KIND}), line(kind=KIND, id="REF1", detail=7)])
def test_no_event_of_an_erasure(odd: str) -> None:
    """A line that only has the word closes nothing."""
    one, two = lines_of_an_erasure()
    assert checked(one, two, odd) == ([None] * 3, 1)


def test_a_line_that_hides_its_text() -> None:
    """A line without a mark that claims another digest than its own is a fault."""
    assert checked(line(), line(**{WAS: "other"}))[0] == [None, 2]


@pytest.mark.parametrize("detail", [None, 7, ["ann.long"]])
def test_a_line_without_a_detail(detail: object) -> None:
    """A person goes from it as from any other one."""
    made = erased(line(account="ann.long", detail=detail))
    assert made["account"] == "forgotten-x"
    assert made.get("detail") == detail
