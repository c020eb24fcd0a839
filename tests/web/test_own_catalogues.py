"""Own words and own languages: ``catalogues=`` (V-40, contract 8)."""

from __future__ import annotations

import logging
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from mfa_gate.web.catalogue_check import known_texts, read_catalogues
from mfa_gate.web.i18n import available
from mfa_gate.web.render import Renderer
from tests.good_start import faults_of
from tests.web.catalogues import TEMPLATE, Message, every_message, template
from tests.web.gallery import pages

CONFIRM = "Confirm"
DONE = (
    "%(count)d attempt is left before the account is locked.",
    "%(count)d attempts are left before the account is locked.",
)


def made(top: Path, words: dict[str, dict[Message, str | tuple[str, ...]]]) -> Path:
    """Write compiled catalogues: the words of each language."""
    for tag, texts in words.items():
        catalog = Catalog(locale=tag.replace("-", "_"), fuzzy=False)
        for message, text in texts.items():
            catalog.add(message, text)
        out = BytesIO()
        write_mo(out, catalog)
        place = top / tag / "LC_MESSAGES"
        place.mkdir(parents=True)
        (place / "mfa_gate.mo").write_bytes(out.getvalue())
    return top


def fault_of(given: object) -> tuple[str, ...]:
    """Start with these catalogues, and return the faults."""
    return faults_of(catalogues=given)


def test_own_words(tmp_path: Path) -> None:
    """A word of the host goes before ours; all others stay, also in another language."""
    languages, faults = read_catalogues(made(tmp_path, {"en": {CONFIRM: "Go ahead"}, "de": {CONFIRM: "Los"}}))
    assert faults == []
    assert languages.tags == available()
    assert languages.words("en").gettext(CONFIRM) == "Go ahead"
    assert languages.words("en").gettext("Back") == "Back"
    assert languages.words("de").gettext(CONFIRM) == "Los"
    assert languages.words("de").gettext("Back") == "Zurück"
    assert languages.words("ar").gettext(CONFIRM) not in (CONFIRM, "Go ahead")


def test_a_language_of_ones_own(tmp_path: Path) -> None:
    """A new language has its own name, and is English where it has no words."""
    top = made(
        tmp_path,
        {
            "fi": {CONFIRM: "Vahvista", "English": "Suomi"},
            "nb_NO": {CONFIRM: "Bekreft", "English": "Norsk"},
        },
    )
    languages, faults = read_catalogues(top)
    assert faults == []
    assert languages.tags == (*available(), "fi", "nb-NO")
    assert dict(languages.named())["nb-NO"] == "Norsk"
    for header, tag in (("fi-FI, en;q=0.5", "fi"), ("nb-NO", "nb-NO"), ("nl", "en"), ("de", "de")):
        assert languages.of({"headers": [(b"accept-language", header.encode())]}) == tag
    view = next(view for name, view, _ in pages() if name == "challenge-totp")
    frame = next(frame for name, _, frame in pages() if name == "challenge-totp")
    page = Renderer(languages=languages).render(view, replace(frame, lang="fi")).decode()
    assert '<html lang="fi" dir="ltr">' in page
    assert "Vahvista" in page


def test_every_page_in_a_language_of_ones_own(tmp_path: Path) -> None:
    """A catalogue with words for every text starts and shows every page."""
    texts: dict[Message, str | tuple[str, ...]] = {}
    for message in every_message():
        texts[message] = f"·{message}" if isinstance(message, str) else tuple(f"·{text}" for text in message)
    top = made(tmp_path, {"nl": texts})
    assert fault_of(top) == ()
    renderer = Renderer(languages=read_catalogues(top)[0])
    for _name, view, frame in pages():
        assert "·" in renderer.render(view, replace(frame, lang="nl")).decode()


@pytest.mark.parametrize(
    ("tag", "direction"),
    [
        ("ckb-IQ", "rtl"),
        ("pa-Arab-PK", "rtl"),
        ("sd-Deva", "ltr"),
        *(
            pytest.param(*row, marks=pytest.mark.long)
            for row in (("ps", "rtl"), ("yi", "rtl"), ("pa", "ltr"), ("fr", "ltr"))
        ),
    ],
)
def test_the_direction_of_a_language_of_ones_own(tag: str, direction: str) -> None:
    """The script of the tag decides, else its language."""
    _, view, frame = next(iter(pages()))
    assert f'lang="{tag}" dir="{direction}"' in Renderer().render(view, replace(frame, lang=tag)).decode()


def test_words_of_messages(tmp_path: Path) -> None:
    """Mails use the host's words in the reader's language, and ours where the host has none."""
    text, ours = "Your security code for {service}", "Ihr Sicherheitscode für {service}"
    english = read_catalogues(made(tmp_path / "a", {"en": {text: "Code for {service}"}}))[0]
    assert english.words("en").gettext(text) == "Code for {service}"
    assert english.words("de").gettext(text) == ours
    german = read_catalogues(made(tmp_path / "b", {"de": {text: "Ihr Code für {service}"}}))[0]
    assert german.words("de").gettext(text) == "Ihr Code für {service}"
    assert german.words("en").gettext(text) == text
    assert read_catalogues(None)[0].words("de").gettext(text) == ours


def test_the_template_lists_every_text() -> None:
    """The shipped template is that of the code: ``python -m tests.web.catalogues``."""
    assert TEMPLATE.read_bytes() == template()
    assert set(known_texts()) == {message if isinstance(message, str) else message[0] for message in every_message()}


WRONG: dict[str, tuple[dict[str, dict[Message, str | tuple[str, ...]]], str]] = {
    "no name for the switcher": ({"fi": {CONFIRM: "Vahvista"}}, "give 'English' the language's own name"),
    "no words": ({"de": {}}, "de: the catalogue has no words"),
    "a tag that is none": ({"de@euro": {CONFIRM: "x"}}, "'de@euro' is no tag of a language"),
    "a value that is lost": (
        {"de": {"Signed in as %(name)s": "Angemeldet"}},
        "the words for 'Signed in as %(name)s' lack %(name)s",
    ),
    "a value that is not there": (
        {"de": {"Signed in as %(name)s": "%(nom)s %(name)s"}},
        "ask for %(nom)s, which this text does not have",
    ),
    "a lone percent sign": ({"de": {"Signed in as %(name)s": "100 % %(name)s"}}, "write %%"),
    "markup": ({"de": {CONFIRM: "<b>Los</b>"}}, "write other quotation marks"),
    "a quotation mark": ({"de": {CONFIRM: '"Los"'}}, "write other quotation marks"),
    "a mail without its code": (
        {"en": {"{code} is your security code for {service}": "For {service}"}},
        "lack {code}",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_breaks_a_page(name: str, tmp_path: Path) -> None:
    """Each is one fault at start, with the language and the text."""
    words, says = WRONG[name]
    try:
        top = made(tmp_path, words)
    except ValueError:  # Babel does not know this tag
        (tmp_path / next(iter(words)) / "LC_MESSAGES").mkdir(parents=True)
        top = tmp_path
    (fault,) = fault_of(top)
    assert fault.startswith(f"catalogues={str(tmp_path)!r}: ")
    assert says in fault


def test_what_is_not_there(tmp_path: Path) -> None:
    """A folder, file or catalogue that is not there has words of its own."""
    assert "must be the path of a folder" in fault_of(5)[0]
    assert "does not exist; give a folder" in fault_of(tmp_path / "no")[0]
    assert "has no catalogue" in fault_of(tmp_path)[0]
    place = tmp_path / "fr" / "LC_MESSAGES"
    place.mkdir(parents=True)
    assert "fr/LC_MESSAGES/mfa_gate.mo does not exist" in fault_of(tmp_path)[0]
    (place / "app.mo").write_bytes(b"")
    assert "app.mo must have this name" in fault_of(tmp_path)[0]
    (place / "mfa_gate.po").write_text("")
    assert "msgfmt mfa_gate.po -o mfa_gate.mo" in fault_of(tmp_path)[0]
    (place / "mfa_gate.mo").write_bytes(b"no catalogue at all")
    assert "compile it anew" in fault_of(tmp_path)[0]
    (tmp_path / "file").write_text("")
    assert "is a file; give a folder" in fault_of(tmp_path / "file")[0]


def test_a_text_of_another_version(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An unknown text does not stop the start; the log names it and the nearest."""
    with caplog.at_level(logging.WARNING, "mfa_gate"):
        assert fault_of(made(tmp_path, {"de": {"Signed in by %(name)s": "Angemeldet: %(name)s", CONFIRM: "Los"}})) == ()
    (line,) = [record.getMessage() for record in caplog.records if "catalogue" in record.getMessage()]
    assert "catalogue de: 1 texts are none of this version" in line
    assert "nearest is 'Signed in as %(name)s'" in line
