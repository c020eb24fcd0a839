"""A sentence of the policy in the language of its reader."""

from __future__ import annotations

import copy
import pickle

import pytest

from mfa_gate.core.spoken import Spoken, spoken_in, texts_of

HELP = Spoken(by={"de": "Hilfe", "en": "Help", "pt-BR": "Ajuda", "pt": "Auxílio"})
GERMAN = Spoken(by={"de": "Hilfe", "fr": "Aide"})


@pytest.mark.parametrize(
    ("text", "lang", "words"),
    [
        (HELP, "de", "Hilfe"),
        (HELP, "de-AT", "Hilfe"),
        (HELP, "pt-BR", "Ajuda"),
        (HELP, "pt-PT", "Auxílio"),
        (HELP, "ar", "Help"),
        (GERMAN, "en-GB", "Hilfe"),
        (Spoken("Call us."), "de", "Call us."),
        ("Call us.", "de", "Call us."),
    ],
)
def test_the_words_for_a_reader(text: str, lang: str, words: str) -> None:
    """The exact language, else its main part, else English, else the first text of the file."""
    assert spoken_in(text, lang) == words
    assert words in texts_of(text)


def test_two_sentences_are_the_same_in_every_language() -> None:
    """A policy whose German words change has changed, though its English ones did not."""
    other = Spoken(by={**HELP.by, "de": "Rat"})
    assert Spoken(by=dict(HELP.by)) == HELP
    assert not Spoken(by=dict(HELP.by)) != HELP  # noqa: SIM202 - both comparisons are ours
    assert other != HELP
    assert not other == HELP  # noqa: SIM201
    assert HELP != "Help"
    assert Spoken("Help") == "Help"
    assert hash(HELP) == hash("Help")
    assert pickle.loads(pickle.dumps(HELP)) == copy.deepcopy(HELP) == HELP


def test_all_texts_of_a_sentence() -> None:
    """A check of the texts of a policy sees each of them."""
    assert texts_of(HELP) == ("Hilfe", "Help", "Ajuda", "Auxílio")
    assert texts_of(Spoken("Call us.")) == texts_of("Call us.") == ("Call us.",)
