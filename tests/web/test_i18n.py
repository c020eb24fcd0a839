"""The language of a page, and the catalogues, which must be whole."""

from __future__ import annotations

import gettext
import re
from dataclasses import replace
from html import unescape
from io import BytesIO

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.numbers import format_percent
from hypothesis import given
from hypothesis import strategies as st

from mfa_gate.web import times, views
from mfa_gate.web.i18n import PSEUDO, Languages, available, native_name, negotiate, translator
from mfa_gate.web.render import Renderer

from .catalogues import LANGUAGES, Message, compiled, locale_of, messages, path_of, read, without_words
from .gallery import FRAME
from .gallery_many import RENDERER
from .test_render import EVERY, Tree

PLACEHOLDER = re.compile(r"%\(\w+\)0?2?[ds]")
"""A place for a value; letters of any alphabet may follow."""

every_language = pytest.mark.parametrize("lang", LANGUAGES)


@pytest.mark.parametrize(
    ("cookie", "header", "found"),
    [
        ("", "", "en"),
        ("de", "ar", "de"),
        ("xx", "ar", "ar"),
        ("../../etc", "de", "de"),
        ("", "de-AT,de;q=0.9,en;q=0.8", "de"),
        ("", "en;q=0.5, ar;q=0.9", "ar"),
        ("", "en;q=0.5, ar;q=0", "en"),
        ("", "fi, nl;q=0.9", "en"),
        ("", "zh-CN, en;q=0.5", "zh-Hans"),
        ("", "zh-TW, en;q=0.5", "en"),
        ("", "pt-PT", "pt-BR"),
        ("", "es-419", "es"),
        ("", "DE", "de"),
        ("", "*", "en"),
        ("", "de;q=2", "en"),
        ("", "de;level=1", "en"),
        ("", ",;,=;q=,", "en"),
        ("", "en-XA", "en"),
    ],
)
def test_negotiate(cookie: str, header: str, found: str) -> None:
    """The chosen language comes first, then the browser's best, then English.

    The language for tests is never offered. Requirement U-64.
    """
    assert negotiate(cookie=cookie, accept_language=header) == found


@given(st.text(), st.text())
def test_negotiate_takes_anything(cookie: str, header: str) -> None:
    """Headers with any content give a language that exists."""
    assert negotiate(cookie=cookie, accept_language=header) in available()


def test_languages_have_names() -> None:
    """Each language that is offered is named in its own words, and an unknown one is English."""
    assert set(available()) == {"en", *LANGUAGES}
    assert all(native_name(lang) != lang for lang in available())
    assert translator("../../etc").gettext("Confirm") == "Confirm"


@every_language
def test_compiled_is_current(lang: str) -> None:
    """The shipped catalogue (``.mo``) has the words of the kept one (``.po``).

    The version of Babel that wrote it does not matter. ``python tests/web/catalogues.py`` makes it so.
    """
    shipped, kept = (read_mo(BytesIO(file)) for file in (path_of(lang, "mo").read_bytes(), compiled(read(lang))))
    assert shipped.plural_forms == kept.plural_forms
    assert [(m.id, m.string) for m in shipped if m.id] == [(m.id, m.string) for m in kept if m.id]
    assert len(shipped) > 100


@every_language
def test_no_word_is_missing(lang: str) -> None:
    """Every message has words in each of its plural forms, the desk's messages too.

    None still waits to be looked at.
    """
    kept = read(lang)
    empty = without_words(kept)
    todo: list[Message] = []
    for message in messages():
        found = kept.get(message if isinstance(message, str) else message[0])
        if found is None or found.fuzzy or found.id != message or message in empty:
            todo.append(message)
    assert todo == [], "python tests/web/catalogues.py adds them to the .po; give them words and run it again"


@every_language
def test_placeholders_survive(lang: str) -> None:
    """A translation has the placeholders of its message.

    So no page breaks in one language only.
    """
    for message in read(lang):
        if not message.id:
            continue
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        texts = [message.string] if isinstance(message.string, str) else list(message.string or ())
        wanted = set(PLACEHOLDER.findall(ids[-1]))
        for text in texts:
            found = set(PLACEHOLDER.findall(text))
            assert not text or found <= wanted, message.id
            if len(ids) == 1 and text:
                assert found == wanted, message.id
            assert not re.search(r"%(?!\(\w+\)0?2?d|\(\w+\)s)", text.replace("%%", "")), message.id
            assert '"' not in text, "it may stand in an attribute"
            assert "<" not in text


DRAWN = ("ar", "zh-Hans", PSEUDO)
"""Languages that are drawn by default: both directions, and words with and without spaces.

The templates are compiled anew for each, which takes longer than to draw all pages.
"""


def assert_drawn(name: str, lang: str) -> None:
    """Draw a page in a language, and read it strictly."""
    view, frame = EVERY[name]
    html = RENDERER.render(view, replace(frame, lang=lang)).decode()
    Tree(html)
    assert f'<html lang="{lang}" dir="{"rtl" if lang == "ar" else "ltr"}">' in html, name


def test_pages_and_languages_in_turn() -> None:
    """Every page in every state says its language and direction; the languages take turns.

    The desk's pages are included. ``--long`` draws every page in every language.
    """
    assert len(EVERY) > 20 * len(DRAWN)
    for number, name in enumerate(EVERY):
        assert_drawn(name, DRAWN[number % len(DRAWN)])


@pytest.mark.long
@pytest.mark.parametrize("lang", [*LANGUAGES, PSEUDO])
def test_every_page_renders(lang: str) -> None:
    """Every page in every state says its language and direction, in every language."""
    for name in EVERY:
        assert_drawn(name, lang)


def test_plural_forms() -> None:
    """Arabic has six forms, and the page picks the right one."""
    text = {count: translator("ar").ngettext("%(count)d day", "%(count)d days", count) for count in (1, 2, 7, 11, 100)}
    assert len(set(text.values())) == 5


def test_switcher_keeps_the_place() -> None:
    """U-64: the other languages are links to this very page, each in its own language."""
    languages = tuple(views.Language(tag=tag, name=native_name(tag)) for tag in available())
    html = RENDERER.render(views.Locked(ref="r"), replace(FRAME, here="/mfa/locked", languages=languages)).decode()
    links = [node for node in Tree(html).root.all("a") if "hreflang" in node.attrs]
    found = [(link.attrs["href"], link.attrs["lang"]) for link in links]
    assert found == [(f"/mfa/locked?lang={tag}", tag) for tag in LANGUAGES]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (20, "20 seconds"),
        (60, "1 minute"),
        (89, "89 seconds"),
        (580, "10 minutes"),
        (900, "15 minutes"),
        (3_600, "1 hour"),
        (43_200, "12 hours"),
        (86_400, "1 day"),
        (604_800, "7 days"),
        (-5, "0 seconds"),
    ],
)
def test_lengths(seconds: int, text: str) -> None:
    """U-14: a length is said in its largest sensible unit."""
    assert times.length(seconds, translator("en")) == text


def test_a_time_for_the_browser() -> None:
    """The script reads the time that a page names, as RFC 3339."""
    assert times.iso(1_750_000_000) == "2025-06-15T15:06:40Z"


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (5, "just now"),
        (89, "just now"),
        (90, "2 minutes ago"),
        (600, "10 minutes ago"),
        (3_599, "60 minutes ago"),
        (3_600, "1 hour ago"),
        (3_700, "1 hour ago"),
        (86_399, "23 hours ago"),
        (86_400, "1 day ago"),
        (8 * 86_400 + 99, "8 days ago"),
        (30 * 86_400, "30 days ago"),
        (30 * 86_400 + 1, "September 9, 2025"),
        (90 * 86_400, "July 11, 2025"),
    ],
)
def test_ago(passed: int, text: str) -> None:
    """A recent time is told as its distance, and a time long ago as a date."""
    now = 1_760_000_000
    assert times.ago(now - passed, now, translator("en")) == text


@pytest.mark.parametrize(("lang", "text"), [("de", "vor 8 Tagen"), ("ar", "قبل 8 أيام"), ("zh-Hans", "8 天前")])
def test_ago_is_one_phrase_in_each_language(lang: str, text: str) -> None:
    """Days stand in the case that the language wants after its word for “ago”."""
    assert times.ago(0, 8 * 86_400, translator(lang)) == text


SIGNS = {
    "zh-Hans": re.compile(r"[\u4e00-\u9fff] ?[,:;!?()]|[,:;!?)] ?[\u4e00-\u9fff]"),
    "ar": re.compile(r"[\u0620-\u064a] ?[,;?]"),
}
"""Signs of English beside a letter of the language, which has its own."""
JOINED = (
    "admin-account",
    "admin-audit",
    "admin-many",
    "admin-policy",
    "admin-tenant",
    "admin-what-if",
    "settings-good",
)
"""Pages that join words: lists, clauses, a thing and what is said of it."""
INLINE = "a|bdi|code|span|strong|time"


@pytest.mark.parametrize("lang", SIGNS)
def test_the_signs_between_words_are_the_language_s_own(lang: str) -> None:
    """Lists, colons and brackets have the signs of the page’s language, between values too."""
    kept = [
        text
        for one in read(lang)
        if one.id
        for text in ([one.string] if isinstance(one.string, str) else one.string or ())
    ]
    found = {text for text in kept if SIGNS[lang].search(text)}
    for name, (view, frame) in EVERY.items():
        if name.startswith(JOINED):
            page = RENDERER.render(view, replace(frame, lang=lang)).decode()
            text = re.sub(r"<[^>]*>", "|", re.sub(rf"</?(?:{INLINE})\b[^>]*>", "", re.sub(r"\s+", " ", unescape(page))))
            found |= {text[max(0, m.start() - 20) : m.end() + 20] for m in SIGNS[lang].finditer(text)}
    assert not found


@pytest.mark.parametrize("lang", ["en", "de", "ar"])
def test_a_share_is_written_as_the_language_writes_it(lang: str) -> None:
    """A space stands before a percent sign only where the language has one.

    Reports and the sentence of the roll-out are read.
    """
    found: set[str] = set()
    for name, (view, frame) in EVERY.items():
        if name.startswith(("admin-report", "admin-tenant", "admin-start")):
            page = RENDERER.render(view, replace(frame, lang=lang)).decode()
            text = re.sub(r"<svg.*?</svg>|<[^>]*>", "|", unescape(page), flags=re.DOTALL)
            found |= set(re.findall(r"\d+\s?[%٪]", text))
    assert found
    assert found == {format_percent(int(re.sub(r"\D", "", one)) / 100, locale=lang) for one in found}


@every_language
def test_the_words_of_a_share(lang: str) -> None:
    """The percent sign stands as the language's own rules say."""
    said = translator(lang).gettext("%(num)d%%") % {"num": 40}
    assert said == format_percent(0.4, locale=locale_of(lang))


def test_no_space_stands_behind_a_wide_sign() -> None:
    """The signs of Chinese are as wide as a letter, and have their space in them."""
    found = set()
    for view, frame in EVERY.values():
        page = RENDERER.render(view, replace(frame, lang="zh-Hans")).decode()
        heard = re.sub(r'<span class="vh">([^<]*)</span>', r"\1", re.sub(r"\s+", " ", page))
        text = re.sub(r"</?(?:a|bdi|code|strong|time)\b[^>]*>", "", heard)
        found |= set(
            re.findall(
                r"[^<>]{0,20}[。！？：，；、）][ \u00a0]+(?:<span (?:data-|class=.muted)[^>]*>)?[^<\s–]{1,20}", text
            )
        )
    assert not found


def test_the_space_of_a_host_s_own_language() -> None:
    """The catalogue says what stands between two sentences, on pages as in mails."""
    own = Catalog(locale="ja")
    own.add("{first} {second}", "{first}{second}")
    own.add("{what}: {detail}", "{what}：{detail}")
    own.add("Error:", "エラー：")
    words = Languages({"ja": gettext.GNUTranslations(BytesIO(compiled(own)))})
    view, frame = EVERY["locked"]
    page = Renderer(languages=words).render(view, replace(frame, lang="ja")).decode()
    assert re.search(r"unlock it\.(?:<[^>]*>)*Call the service desk", page)
    view, frame = EVERY["challenge-totp-wrong"]
    assert re.search("<title>エラー：[^ ]", Renderer(languages=words).render(view, replace(frame, lang="ja")).decode())
