"""The form of mails and text messages: ours, and the host's own in its place."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from mfa_gate.core.luminance import contrast
from mfa_gate.core.messages.codes import email_code, sms_text
from mfa_gate.core.messages.letter import EmailText, Letter, Part
from mfa_gate.core.messages.notices import notice, sms_notice
from mfa_gate.core.messages.texts import Text
from mfa_gate.core.rules import BrandRules
from mfa_gate.web.color import parse
from mfa_gate.web.i18n import available, translator
from mfa_gate.web.message_forms import MessageForms
from mfa_gate.web.views.messages import mail_colors
from tests.good_start import faults_of

from .test_template_check import made

LONG = "https://app.example/mfa/dispute/" + "x9Kd" * 60
BRAND = BrandRules(name="Northgate", accent="#0f766e")


def locked(lang: str = "en") -> Letter:
    """Write the notice of a lock."""
    return notice(
        "account.locked",
        service="Northgate",
        when_text="today",
        ref="K7Q2",
        dispute_url=LONG,
        translate=translator(lang).gettext,
    )


def form(letter: Letter, *, lang: str = "en", brand: BrandRules = BRAND, folder: Path | None = None) -> EmailText:
    """Give a letter its form, with the host's folder where there is one."""
    return MessageForms(templates=folder).letter(letter, lang, brand)


def test_the_layout() -> None:
    """A mail is 560 px wide at most, has the brand's color and both themes, and loads nothing."""
    html = form(locked()).html
    assert "max-width:560px" in html
    assert f"border-top:4px solid {mail_colors(BRAND, dark=False).accent}" in html
    assert "@media (prefers-color-scheme: dark)" in html
    assert '<meta name="color-scheme" content="light dark">' in html
    assert mail_colors(BRAND, dark=True).card in html
    assert not re.search(r"<(img|script|link|iframe)|url\(|@import|@font-face", html)


def test_one_button_with_the_long_address_behind_it() -> None:
    """The address of "this was not me" is no text of the HTML form, which then fits a phone.

    The plain text has it alone on a line.
    """
    made = form(locked())
    assert re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)</a>', made.html) == [(LONG, "This was not me")]
    assert made.html.count(LONG) == 1
    assert LONG in made.text.splitlines()


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Call +1 202-555-0190, or (202) 555-0191.", ["+1 202-555-0190", "(202) 555-0191"]),
        ("When: Nov 30, 2026, 11:34 PM UTC & before 8:30", ["11:34 PM UTC", "8:30"]),
        ("Reference K7Q2X-9PL4M since 2026-11-30", ["K7Q2X-9PL4M", "2026-11-30"]),
        ("https://app.example/mfa/dispute/2025550190-AB12-CD34 <b>1-2</b> user-2025550190@x.example", []),
        ("2001:db8::12:3456:7890 and 198.51.100.0/24", ["198.51.100.0/24"]),
    ],
)
def test_numbers_and_times_stay_on_one_line(text: str, pieces: list[str]) -> None:
    """A mail program breaks no telephone number, time or reference.

    Addresses stay as they are, and markup is text.
    """
    said = form(Letter(kind="notice", subject="s", title="", service="Northgate", parts=(Part(text, "note"),))).html
    assert re.findall(r'<span style="white-space:nowrap">([^<]+)</span>', said) == pieces
    assert f">{text}</p>" in unescape(re.sub(r"</?span[^>]*>", "", said))
    assert "<b>" not in said


@pytest.mark.parametrize("lang", available())
def test_language_and_direction(lang: str) -> None:
    """A mail names its language, and turns its direction with it."""
    html = form(locked(lang), lang=lang).html
    assert f'<html lang="{lang}" dir="{"rtl" if lang == "ar" else "ltr"}">' in html
    assert f'align="{"right" if lang == "ar" else "left"}"' in html
    assert translator(lang).gettext("This was not me") in html


@pytest.mark.parametrize("accent", ["#0b5fff", "#f59e0b", "#ffffff", "#000000", "#7dd3fc"])
@pytest.mark.parametrize("dark", [False, True])
def test_colors_that_can_be_read(accent: str, dark: bool) -> None:
    """Texts have a contrast of 4.5 on their ground, also the label of the button (U-59)."""
    colors = mail_colors(BrandRules(accent=accent), dark=dark)
    for text, ground in (
        (colors.text, colors.card),
        (colors.text, colors.soft),
        (colors.muted, colors.card),
        (colors.on_accent, colors.accent),
    ):
        assert contrast(parse(text), parse(ground)) >= 4.5


def test_a_brand_with_its_own_surface_and_font() -> None:
    """The tokens of the brand reach the mail; a quotation mark in a font breaks nothing."""
    brand = replace(BRAND, surface="#fffdf5", text="#3a2f10", radius=4, font="'Own Sans'")
    html = form(locked(), brand=brand).html
    assert "background:#fffdf5" in html
    assert "border-radius:4px" in html
    assert "font-family:&#39;Own Sans&#39;,system-ui" in html


OWN_LETTER = """{# mfa_gate templates 1 #}
{% extends "mfa_gate/mails/letter.html" %}
{% block footer %}<p>{{ view.service }} is a part of {{ _("Own") }} & Sons.</p>{% endblock %}"""
OWN_TEXT = '{% extends "mfa_gate/mails/letter.txt" %}{% block footer %}-- \nOwn & Sons{% endblock %}'
OWN_CODE = "{{ view.code }} - {{ view.service }}, {{ view.minutes }} min"
OWN_NOTICE = "{{ view.service }} says: {{ view.headline }}!"


def test_templates_of_the_host(tmp_path: Path) -> None:
    """A folder replaces or extends the form of mails and texts; plain text is not escaped."""
    folder = made(
        tmp_path,
        {
            "mails/letter.html": OWN_LETTER,
            "mails/letter.txt": OWN_TEXT,
            "texts/code.txt": OWN_CODE,
            "texts/notice.txt": OWN_NOTICE,
        },
    )
    assert faults_of(templates=folder) == ()
    mail = form(locked(), folder=folder)
    assert "<p>Northgate is a part of Own & Sons.</p>" in mail.html
    assert "This was not me" in mail.html
    assert mail.text.endswith("\n-- \nOwn & Sons\n")
    forms = MessageForms(templates=folder)

    def own(text: Text) -> str:
        return forms.text(text, "en")

    text = sms_text(code="493817", service="A & B", minutes=10, host="app.example", translate=str, form=own)
    assert text == "493817 - A & B, 10 min\n@app.example #493817"
    assert sms_notice("account.locked", service="A & B", translate=str, form=own) == (
        "A & B says: Your account is locked!"
    )


def test_only_some_templates_of_the_host(tmp_path: Path) -> None:
    """All others stay ours."""
    folder = made(tmp_path, {"mails/letter.txt": OWN_TEXT})
    ours, mine = form(locked()), form(locked(), folder=folder)
    assert mine.html == ours.html
    assert mine.text != ours.text
    assert MessageForms(templates=folder).text(Text(kind="code", text="x", code="493817"), "en") == ""


@pytest.mark.parametrize(
    ("name", "template", "fault"),
    [
        ("mails/letter.html", "<p>{{ view.title }}</p>", "mails/letter.html shows no code of its message"),
        ("mails/letter.txt", "493817 {{ view.titel }}", "line 1: view has no 'titel'; did you mean 'title'?"),
        ("mails/letter.html", "{{ view.text }}{{ frame.lang }}", "cannot be written: UndefinedError: 'frame'"),
        ("mails/lettre.html", "{{ view.text }}", "did you mean 'mails/letter.html'?"),
        ("texts/code.txt", "Your code", "texts/code.txt shows no code of its message"),
        ("texts/notice.txt", "{{ view.headline", "texts/notice.txt, line 1: "),
        (
            "mails/letter.txt",
            "{% extends 'mfa_gate/mails/letter.txt' %}{% block foot %}{% endblock %}",
            "no block 'foot'",
        ),
    ],
)
def test_a_template_that_loses_something_stops_the_start(name: str, template: str, fault: str, tmp_path: Path) -> None:
    """Each template of the host is tried at start, with a code and a button (D-14)."""
    folder = made(tmp_path, {name: template})
    (found,) = faults_of(templates=folder)
    assert fault in found


def test_a_template_that_breaks_later_loses_no_mail(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A template that fails for one mail does not stop it.

    Our form is sent, and the log names the template.
    """
    template = "{{ view.text }}{% if view.kind == 'account.locked' %}{{ view.nothing }}{% endif %}"
    folder = made(tmp_path, {"mails/letter.html": template})
    with caplog.at_level(logging.ERROR, "mfa_gate"):
        mail = form(locked(), folder=folder)
    assert mail == form(locked())
    assert "mails/letter.html cannot be written" in caplog.text
    code = email_code(code="493817", service="Clinic", minutes=10, translate=str)
    assert form(code, folder=folder).html == code.text


def test_own_words_that_do_not_fit_one_segment(tmp_path: Path) -> None:
    """A text message of the host that is too long, or that lost the code, is replaced by ours."""
    ours = sms_text(code="493817", service="A", minutes=10, host="app.example", translate=str)
    for words in ("{{ view.code }} " + "very long " * 20, "{{ view.code }} ✓ " + "long " * 12):
        forms = MessageForms(templates=made(tmp_path, {"texts/code.txt": words}))

        def own(text: Text, forms: MessageForms = forms) -> str:
            return forms.text(text, "en")

        assert sms_text(code="493817", service="A", minutes=10, host="app.example", translate=str, form=own) == ours


def test_a_template_of_the_host_translates() -> None:
    """Its words are translated as ours, with what is put into them.

    A lone % is no place for anything.
    """
    template = (
        MessageForms(templates=Path("none"))
        .environment("de")
        .from_string('{{ _("Hello %(name)s", name="Ann") }} {{ _("100 %") }} {{ _("Sign out") }}')
    )
    assert template.render() == f"Hello Ann 100 % {translator('de').gettext('Sign out')}"
