"""Words for their readers: names in their language, calls that are no codes, no ids."""

from __future__ import annotations

import logging
import re

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.web.i18n import Languages
from tests.harness import PAGE, make_world, running

from .catalogues import read
from .phones import begin, enrolled, push_world

GERMAN = [*PAGE, ("accept-language", "de")]


async def test_a_name_that_nobody_chose_is_in_the_readers_language() -> None:
    """The kind's own name is stored in English, and shown in German."""
    async with running(make_world()) as world:
        ann = await world.enrolled()
        page = await ann.page("/mfa", headers=GERMAN)
    assert "<bdi>Authenticator-App</bdi>" in page.text
    assert "Authenticator app" not in page.text


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("Passkey 2", "Passkey 2"),
        ("Security key 12", "Sicherheitsschlüssel 12"),
        ("Email", "E-Mail"),
        ("My Email", "My Email"),
        ("Work phone", "Work phone"),
        ("Chrome on Linux", "Chrome auf Linux"),
        ("Unknown client", "Unbekannter Browser"),
        ("Chrome on holiday", "Chrome on holiday"),
        ("7", "7"),
        ("", ""),
    ],
)
def test_names_of_authenticators(label: str, told: str) -> None:
    """A number stays behind the name; a name that a person chose stays as it is."""
    assert Languages().own_name(label, "de") == told
    assert Languages().own_name(label, "en") == label.replace("Unknown client", "Unknown browser")


async def test_a_new_request_is_no_code() -> None:
    """After "Show a new number" the page tells of a request."""
    async with running(push_world()) as world:
        browser, _, id = await enrolled(world)
        await begin(browser, id)
        world.clock.advance(120)
        await browser.page("/records", headers=PAGE)
        assert (await browser.form(f"/mfa/challenge/{id}", {"action": "send"})).status == 303
        page = await browser.page(f"/mfa/challenge/{id}")
    assert "A new request is on its way to your phone." in page.text
    assert "A new code" not in page.text


async def test_an_unknown_address_has_a_reference_that_the_log_knows(caplog: pytest.LogCaptureFixture) -> None:
    """The page names it, and so does the log. The trail has no line of it."""
    caplog.set_level(logging.INFO, "mfa_gate")
    async with running(make_world()) as world:
        ann = await world.enrolled()
        before = len(world.events)
        page = await ann.page("/mfa/nothing", headers=PAGE)
        assert len(world.events) == before
    (line,) = [record.message for record in caplog.records if "/mfa/nothing" in record.message]
    ref = line.rpartition("(ref ")[2].rstrip(")")
    assert len(ref) == 10
    assert f'<code dir="ltr">{ref}</code>' in page.text


@pytest.mark.parametrize(("id", "shown"), [("1", ""), ("jdoe", "jdoe"), ("ann@mail.example", "")])
async def test_no_bare_id_stands_on_a_page(id: str, shown: str) -> None:
    """Before the host's name is known no number of a database is shown; signing out is."""

    async def contacts(subject: Subject) -> Contacts:
        return Contacts(email="ann@mail.example")

    world = make_world(contacts=contacts)
    async with running(world):
        browser = await world.browser(id)
        page = await browser.page("/mfa/enroll", headers=PAGE)
    assert ("Signed in as" in page.text) is bool(shown)
    assert f"<bdi>{shown}</bdi>" in page.text or not shown
    assert "Sign out" in page.text


async def test_the_sentence_about_costs_is_in_the_readers_language() -> None:
    """The usual sentence beside the field for a number is in the language of the page."""
    async with running(make_world()) as world:
        page = await (await world.browser()).page("/mfa/enroll/sms", headers=GERMAN)
    assert "Message and data rates" not in page.text
    assert "STOP" in page.text


STRAY = {
    "de": r"\bzweite[rn]? Schritt\b|Mobilnummer|Textnachricht",
    "ar": "الخطوة الثانية|خطوتك الثانية",
    "es": "segundo paso",
    "fr": "deuxième étape|seconde étape",
    "pt-BR": "segunda etapa",
    "zh-Hans": "第二步",
    "vi": "bước thứ hai",
}
"""Second names of things that each glossary names once."""


@pytest.mark.parametrize("lang", STRAY)
def test_a_thing_has_one_name(lang: str) -> None:
    """Two-step sign-in is called the same in every sentence of a language."""
    said = [str(message.string) for message in read(lang) if message.id]
    assert [words for words in said if re.search(STRAY[lang], words, re.IGNORECASE)] == []
