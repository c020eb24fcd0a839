"""A letter with a brand's values written in says the same as one that is filled in anew."""

from __future__ import annotations

import pytest

from mfa_gate.core.messages.letter import Letter, Part
from mfa_gate.core.rules import BrandRules
from mfa_gate.web import message_forms
from mfa_gate.web.branded_templates import written_in
from mfa_gate.web.message_forms import LETTER, MessageForms
from mfa_gate.web.views.messages import mail_view

PARTS = (
    Part("Heading <b>", "heading"),
    Part("493817", "code"),
    Part("Text & more {{ view.lang }}"),
    Part("When: today\nWhere: <here>", "facts"),
    Part("Press", "button", "Go", "https://app.example/mfa?a=1&b=2"),
    Part("Small", "note"),
)
LETTERS = (
    Letter(kind="code", subject="Trial <1>", title="Trial", parts=PARTS, service="App & Co"),
    Letter(kind="trial", subject="Bare", parts=()),
)
BRANDS = (
    BrandRules(),
    BrandRules(font="'Open Sans', <x> & {{ 7 * 7 }}", radius=0),
    BrandRules(accent="#a1224f"),
)


@pytest.mark.parametrize("lang", ["en", "ar", "de"])
@pytest.mark.parametrize("brand", BRANDS, ids=["plain", "font", "accent"])
def test_values_written_in_change_no_letter(brand: BrandRules, lang: str) -> None:
    plain = message_forms._ours().get_template(LETTER)
    first = mail_view(LETTERS[0], lang, brand)
    branded = written_in(message_forms._ours(), LETTER, message_forms.our_texts()[LETTER], first)
    for letter in LETTERS:
        view = mail_view(letter, lang, brand)
        assert branded.render(view=view) == plain.render(view=view)


def test_brands_keep_their_own_letters_and_their_number_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_forms, "MAX_BRANDED", 2)
    message_forms._BRANDED_LETTERS.clear()
    forms, plain = MessageForms(), message_forms._ours().get_template(LETTER)
    for _ in range(2):
        for brand in BRANDS:
            for lang in ("en", "ar"):
                made = forms.letter(LETTERS[0], lang, brand)
                assert made.html == plain.render(view=mail_view(LETTERS[0], lang, brand))
    assert len(message_forms._BRANDED_LETTERS) == 2
    message_forms._BRANDED_LETTERS.clear()
