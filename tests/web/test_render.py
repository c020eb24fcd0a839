"""The pages as HTML are complete, escaped, and free of inline code.

Everybody can use them, also without a script.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import pytest
from jinja2 import Environment

from mfa_gate.core.events import OWN
from mfa_gate.core.reasons import REASONS
from mfa_gate.web import render, views
from mfa_gate.web.assets import static_assets
from mfa_gate.web.qr_code import qr_svg
from mfa_gate.web.render import Renderer, linked, with_whole_words
from mfa_gate.web.views import Disputing, Frame, Unsent, View
from mfa_gate.web.views.problems import FORM_WORDS

from .gallery import APP, FRAME, HOSTILE, MAIL, PHONE, desk_pages, pages
from .gallery_many import RENDERER

VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
GALLERY = {name: (view, frame) for name, view, frame in pages()}
EVERY = GALLERY | {name: (view, frame) for name, view, frame in desk_pages()}


@dataclass
class Node:
    """An element: its tag, attributes, text and children."""

    tag: str
    attrs: dict[str, str]
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    text: str = ""

    def all(self, *tags: str) -> Iterator[Node]:
        for child in self.children:
            if child.tag in tags:
                yield child
            yield from child.all(*tags)

    def words(self) -> str:
        return " ".join([self.text, *(child.words() for child in self.children)]).strip()


class Tree(HTMLParser):
    """Reads strictly: a tag that is not closed, or closed out of order, is a failure."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.at = Node("", {})
        self.feed(html)
        self.close()
        assert self.at is self.root, f"<{self.at.tag}> is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        repeated = [name for name, count in Counter(name for name, _ in attrs).items() if count > 1]
        assert not repeated, f"<{tag}> repeats {repeated}"
        node = Node(tag, {name: value or "" for name, value in attrs}, self.at)
        self.at.children.append(node)
        if tag not in VOID:
            self.at = node

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.at.parent is not None
        assert self.at.tag == tag, f"</{tag}> closes <{self.at.tag}>"
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.text += data


@cache
def html_of(name: str) -> str:
    view, frame = EVERY[name]
    return RENDERER.render(view, frame).decode()


@cache
def tree_of(name: str) -> Node:
    return Tree(html_of(name)).root


every_page = pytest.mark.parametrize("name", GALLERY)


def title(name: str) -> str:
    return next(tree_of(name).all("title")).words()


def test_gallery_is_complete() -> None:
    """Each view class is drawn, and each template of a page is used."""
    drawn = {type(view) for view, _ in GALLERY.values()}
    assert drawn == set(get_args(View))
    templates = {cls.template for cls in drawn}
    shipped = {path.name for path in (Path(render.__file__).parent / "templates").glob("*.html")}
    assert templates == {name for name in shipped if not name.startswith("_")} - {"base.html"}


@every_page
def test_structure(name: str) -> None:
    """One h1, one main, a title, a language, and no id twice."""
    root = tree_of(name)
    assert len(list(root.all("h1"))) == 1
    assert len(list(root.all("main"))) == 1
    page = next(root.all("html"))
    assert page.attrs["lang"] == "en"
    assert page.attrs["dir"] == "ltr"
    ids = Counter(node.attrs["id"] for node in root.all(*ALL_TAGS) if "id" in node.attrs)
    assert [id for id, count in ids.items() if count > 1] == []


ALL_TAGS = (
    *("a", "article", "bdi", "button", "code", "dd", "details", "div", "dl", "dt", "footer", "form", "h1", "h2", "h3"),
    *("header", "input", "label", "li", "main", "ol", "option", "p", "section", "select", "span", "strong", "summary"),
    *("svg", "textarea", "time", "ul"),
)


@every_page
def test_nothing_inline(name: str) -> None:
    """S-103, U-62: no inline style, script or handler, and nothing is fetched from elsewhere."""
    html = html_of(name)
    assert not re.search(r"\sstyle\s*=", html)
    assert not re.search(r"<[^>]*\son[a-z]+\s*=", html)
    assert "<style" not in html
    assert "javascript:" not in html
    root = tree_of(name)
    for script in root.all("script"):
        assert script.attrs["src"].startswith(("/mfa/static/mfa.", "/mfa/static/approve"))
        assert not script.words()
    for sheet in root.all("link"):
        assert sheet.attrs["href"].startswith(("/mfa/static/", "/mfa/approve/", "data:"))


@every_page
def test_forms(name: str) -> None:
    """Every form posts to the prefix, carries the token, and lands on the summary if it fails.

    The form of a notice's link is an exception: nobody is signed in there, and its address is the secret. A kept form goes
    to the app, with the app's own fields and none of ours. Requirements S-99, U-50.
    """
    view, _ = GALLERY[name]
    for form in tree_of(name).all("form"):
        assert form.attrs["method"] == "post"
        action = form.attrs["action"]
        if isinstance(view, Disputing):
            assert action == f"{view.url}#errors"
            continue
        if isinstance(view, Unsent):
            assert action == view.target
            assert len(list(form.all("input"))) == len(view.fields)
            continue
        assert action.startswith("/mfa")
        assert action.endswith("#errors")
        tokens = [node for node in form.all("input") if node.attrs.get("name") == "csrf_token"]
        assert [node.attrs["value"] for node in tokens] == ["t0ken"]
        assert any(True for _ in form.all("button")), "a form without a script needs its button"


@every_page
def test_fields_have_labels(name: str) -> None:
    """Every field that is seen has a visible label, and its descriptions exist.

    Requirement U-1.
    """
    root = tree_of(name)
    labels = {node.attrs["for"] for node in root.all("label")}
    ids = {node.attrs.get("id") for node in root.all(*ALL_TAGS)}
    for node in root.all("input", "select", "textarea"):
        if node.attrs.get("type") == "hidden":
            continue
        assert node.attrs["id"] in labels
        assert node.attrs.get("type") != "number"
        for described in node.attrs.get("aria-describedby", "").split():
            assert described in ids
    for section in root.all("section"):
        assert section.attrs["aria-labelledby"] in ids


@every_page
def test_code_field(name: str) -> None:
    """A page has at most one code field: of text, without a pattern, never filled in.

    It has the focus only without an error. Requirements U-1, U-3, U-4, U-11, U-51.
    """
    codes = [node for node in tree_of(name).all("input") if node.attrs.get("name") == "code"]
    assert len(codes) <= 1
    codes = [node for node in codes if node.attrs["type"] != "hidden"]
    for node in codes:
        assert node.attrs["type"] == "text"
        assert "one-time-code" in node.attrs["autocomplete"].split()
        assert node.attrs["dir"] == "ltr"
        assert not {"value", "pattern", "maxlength", "minlength", "placeholder"} & set(node.attrs)
        if GALLERY[name][1].problems:
            assert "autofocus" not in node.attrs


@every_page
def test_problems(name: str) -> None:
    """A problem is in the title, in a summary before the h1, and at its field.

    The words are the same. Requirements U-9, U-49, U-50, U-52.
    """
    frame = GALLERY[name][1]
    root = tree_of(name)
    assert title(name).startswith("Error: ") == bool(frame.problems)
    summaries = [node for node in root.all("div") if node.attrs.get("id") == "errors"]
    assert len(summaries) == (1 if frame.problems else 0)
    if not frame.problems:
        assert not [node for node in root.all("input", "textarea") if "aria-invalid" in node.attrs]
        return
    assert summaries[0].attrs["role"] == "alert"
    html = html_of(name)
    assert html.index('id="errors"') < html.index("<h1")
    ids = {node.attrs.get("id") for node in root.all(*ALL_TAGS)}
    links = list(summaries[0].all("a"))
    assert len(links) == len([problem for problem in frame.problems if problem.field])
    for link in links:
        target = link.attrs["href"].removeprefix("#")
        assert target in ids
        at_field = next(node for node in root.all("p") if node.attrs.get("id") == f"{target}-error")
        assert " ".join(link.words().split()) in " ".join(at_field.words().split())
        field = next(node for node in root.all("input", "textarea") if node.attrs.get("id") == target)
        assert field.attrs["aria-invalid"] == "true"
        assert f"{target}-error" in field.attrs["aria-describedby"].split()


@every_page
def test_sentences_are_apart(name: str) -> None:
    """No sentence runs into the next where two pieces of a template meet."""
    html = re.sub(r"</?(?:bdi|strong|time|span|code|a)\b[^>]*>", "", html_of(name))
    assert not re.findall(r"[a-z0-9][.!?][A-Z][a-z]+ [^<]*", html)


def test_titles_are_unique() -> None:
    """U-49: two different pages never share a title; states of one page may."""
    by_title: dict[str, set[str]] = {}
    for name, (view, frame) in GALLERY.items():
        kind = getattr(view, "kind", "") or getattr(getattr(view, "way", None), "kind", "")
        state = "" if view.template in {"enroll_done.html", "challenge_help.html"} else kind
        key = f"{view.template} {state} {getattr(view, 'reason', '')}"
        by_title.setdefault(title(name).removeprefix("Error: "), set()).add(key)
        assert title(name).endswith(f" – {frame.brand_name}" if frame.brand_name else title(name))
    assert {text: keys for text, keys in by_title.items() if len(keys) > 1} == {}


@pytest.mark.parametrize("template", sorted({view.template for view, _ in GALLERY.values()}))
def test_hostile_text_is_escaped(template: str) -> None:
    """Markup in a label, a brand, an address or a typed value is shown as text.

    Template syntax is not run. Requirement S-103.
    """
    name, view = next((name, view) for name, (view, _) in GALLERY.items() if view.template == template)
    frame = replace(
        GALLERY[name][1],
        brand_name=HOSTILE, person=HOSTILE, contact=HOSTILE, owner=HOSTILE, help_url=HOSTILE, sign_out=HOSTILE,
        logo=HOSTILE, here=HOSTILE, csrf_token=HOSTILE,
        languages=(views.Language(tag="en", name="English"), views.Language(tag=HOSTILE, name=HOSTILE)),
        notice=views.Notice(word="renamed", value=HOSTILE),
        problems=(views.Problem(reason="phone_region", field=HOSTILE, detail=HOSTILE),),
    )  # fmt: skip
    html = RENDERER.render(_poisoned(view), frame).decode()
    Tree(html)
    assert "<script>alert" not in html
    assert "alert(1)" in html
    assert not re.search(r"<[^>]*\son[a-z]+\s*=", html)
    assert "{{ 7*7 }}" in html
    assert "49%(x)s" not in html


def _poisoned(value: object) -> View:
    """Return the view with hostile text in each of its strings.

    Strings that choose a template or a word are left as they are.
    """
    kept = {"kind", "why", "sending", "purpose", "remind", "cause", "reason", "uri"}
    changes: dict[str, object] = {}
    for part in fields(value):  # type: ignore[arg-type]
        now = getattr(value, part.name)
        if part.name in kept:
            continue
        if isinstance(now, str):
            changes[part.name] = HOSTILE
        elif hasattr(now, "__dataclass_fields__"):
            changes[part.name] = _poisoned(now)
        elif isinstance(now, tuple):
            changes[part.name] = tuple(HOSTILE if isinstance(item, str) else _poisoned(item) for item in now)
    return replace(value, **changes)  # type: ignore[type-var,return-value]


def test_every_reason_has_words() -> None:
    """U-9: each word of the reasons' table has a page, with its own title."""
    titles = set()
    for word, row in REASONS.items():
        html = RENDERER.render(views.Fault(reason=word, status=row.status), FRAME).decode()
        titles.add(next(Tree(html).root.all("h1")).words())
    assert len(titles) == len({row.title for row in REASONS.values()})


def test_form_problems_have_their_own_words() -> None:
    """No two of the form's own problems read the same.

    ``malformed`` says the same as ``code_letters``. Requirement U-9.
    """
    texts = [_summary(views.Problem(reason=word)) for word in FORM_WORDS if not word.endswith("_nothing_sent")]
    assert len(texts) > 15
    assert len(set(texts)) == len(texts)
    with pytest.raises(KeyError):
        _summary(views.Problem(reason="no such word"))


def test_every_reason_has_words_beside_a_form() -> None:
    """A reason without a sentence of its own says its title and text, never something general."""
    texts = {word: _summary(views.Problem(reason=word)) for word in REASONS}
    assert len(set(texts.values())) == len(texts)
    assert texts["not_allowed"] == "This isn’t allowed. Ask your administrator if you need it."
    assert _summary(views.Problem(reason="too_soon", seconds=30)) == "You can ask again in 30 seconds."
    assert "behind" in _summary(views.Problem(reason="clock_drift", seconds=-90))
    assert _summary(views.Problem(reason="phone_region", detail="<b>US")).endswith("from: <b>US.")
    assert "toll-free" in _summary(views.Problem(reason="phone_type", detail="toll-free"))
    assert _summary(views.Problem(reason="phone_type", detail="uan")) == texts["phone_type"]


def _summary(problem: views.Problem) -> str:
    html = RENDERER.render(views.EnrollTicket(), replace(FRAME, problems=(problem,))).decode()
    summary = next(node for node in Tree(html).root.all("div") if node.attrs.get("id") == "errors")
    return " ".join(next(summary.all("li")).words().split())


@pytest.mark.parametrize("kind", sorted(OWN))
def test_own_events_have_words(kind: str) -> None:
    """Each event that a person may find in the recent activity is told in words of its own."""
    html = RENDERER.render(views.Settings(factors=(), activity=(views.Activity(at=1, kind=kind),)), FRAME).decode()
    assert "Something about your account changed" not in html


def test_qr_is_one_escaped_picture() -> None:
    """The QR code is an SVG with a role and a name.

    The name is escaped. The secret is not its alternative text. Requirement U-30.
    """
    svg = str(qr_svg("otpauth://totp/x?secret=JBSWY3DPEHPK3PXP", HOSTILE))
    node = next(Tree(svg).root.all("svg"))
    assert node.attrs["role"] == "img"
    assert node.attrs["aria-label"] == HOSTILE
    assert "JBSWY3DP" not in svg


def test_secret_is_told_in_groups() -> None:
    """The key stands in groups of four, besides issuer, account, type and the plain link.

    Requirement U-30.
    """
    html = html_of("enroll-totp-confirm")
    assert "JBSW Y3DP EHPK 3PXP" in html
    link = next(node for node in tree_of("enroll-totp-confirm").all("a") if node.attrs["href"].startswith("otpauth:"))
    assert link.words()


def test_masked_destination_keeps_its_direction() -> None:
    """U-22: addresses and numbers are isolated left to right."""
    marks = [node for node in tree_of("challenge-sms-sent").all("bdi") if node.attrs.get("dir") == "ltr"]
    assert PHONE.hint.replace(" ", "\u00a0") in [node.words() for node in marks]


def test_expiry_is_right_without_a_script() -> None:
    """The clock time is a ``time`` element that names its zone.

    The time left stands beside it. Requirement U-14.
    """
    root = tree_of("challenge-sms-sent")
    when = next(root.all("time"))
    assert when.attrs["datetime"] == "2025-10-09T09:03:00Z"
    assert when.words() == "09:03 UTC"
    assert "about 10 minutes" in " ".join(root.words().split())


def test_skip_is_a_button_of_equal_size() -> None:
    """An optional enrollment has a real skip button, with what follows from it.

    Afterwards there is no skip, and sign-out is offered. Requirement U-24.
    """
    optional = tree_of("enroll-optional-counted").words()
    assert "Skip for now" in optional
    assert "2 more times" in optional
    required = tree_of("enroll-overdue")
    assert "Skip for now" not in required.words()
    assert any(link.attrs["href"] == "/logout" for link in required.all("a"))


def test_remaining_attempts_are_told() -> None:
    """U-12, decision 20: after a failure the page says how many are left, in the right number."""
    assert "4 attempts are left" in html_of("challenge-totp-wrong")
    assert "1 attempt is left" in html_of("challenge-totp-last")
    assert "left before" not in html_of("challenge-totp")


def test_resend_is_never_disabled() -> None:
    """U-17: no page has a disabled control."""
    assert not [name for name in GALLERY if re.search(r"<[^>]*\sdisabled", html_of(name))]


def test_locked_page_invites_no_guessing() -> None:
    """The locked page has no form, no field and no timer, but a contact and the reference.

    Requirement U-54.
    """
    root = tree_of("locked")
    assert not list(root.all("form", "input"))
    assert "7Q4M-KX2P" in root.words()
    assert FRAME.contact in root.words()


def test_script_only_controls_start_hidden() -> None:
    """Without a script no button is shown that needs one."""
    for name in GALLERY:
        for button in tree_of(name).all("button"):
            if button.attrs.get("type") == "button":
                assert "hidden" in button.attrs


def test_prefix_holds_everywhere() -> None:
    """Under another prefix and root path no address of the default one is left (D-10)."""
    for view, frame in GALLERY.values():
        moved = replace(_moved(view))
        html = RENDERER.render(moved, replace(frame, prefix="/app/2fa", here="/x")).decode()
        assert 'action="/mfa' not in html
        assert 'href="/mfa' not in html
        assert 'src="/mfa' not in html


def _moved(view: View) -> View:
    """The view as a handler under ``/app/2fa`` would fill it."""
    changes = {
        part.name: getattr(view, part.name).replace("/mfa", "/app/2fa", 1)
        for part in fields(view)
        if isinstance(getattr(view, part.name), str) and getattr(view, part.name).startswith("/mfa")
    }
    return replace(view, **changes)


def test_host_templates_override(tmp_path: Path) -> None:
    """D-14: a host's folder replaces a template by name, and can extend the base."""
    page = '{% extends "base.html" %}{% block title %}Ours{% endblock %}{% block card %}<h1>Mine</h1>{% endblock %}'
    (tmp_path / "locked.html").write_text(page, encoding="utf-8")
    renderer = Renderer(templates=tmp_path)
    assert b"<h1>Mine</h1>" in renderer.render(views.Locked(ref="r"), FRAME)
    assert "You’re not signed in".encode() in renderer.render(views.Fault(reason="signed_out", status=401), FRAME)


def test_a_template_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process compiles a template once a language, for every renderer.

    The check at start has one of its own. A host's template of the same name is another one.
    """
    compiled: list[str] = []
    real = Environment.compile

    def compile_(environment: Environment, source: str, name: str, *more: Any) -> Any:
        compiled.append(name)
        return real(environment, source, name, *more)

    monkeypatch.setattr(Environment, "compile", compile_)
    (tmp_path / "locked.html").write_text("Mine", encoding="utf-8")
    locked = views.Locked(ref="r")
    ours = [Renderer().render(locked, FRAME) for _ in range(2)]
    assert ours[0] == ours[1] == RENDERER.render(locked, FRAME)
    assert len(compiled) == len(set(compiled))
    compiled.clear()
    assert [Renderer(templates=tmp_path).render(locked, FRAME) for _ in range(2)] == [b"Mine", b"Mine"]
    assert compiled == ["locked.html"]


def test_choice_shows_kind_and_hint() -> None:
    """U-20: each other way has its label and its masked destination, in the order given."""
    ways = (APP, PHONE, MAIL)
    html = RENDERER.render(views.Challenge(way=replace(APP, id="a9"), others=ways, why="no_proof"), FRAME).decode()
    places = [html.index(f"/mfa/challenge/{way.id}") for way in ways]
    assert places == sorted(places)
    assert MAIL.hint in html


def test_unknown_kind_is_no_way_in() -> None:
    """An authenticator of a kind that this version does not know cannot be answered.

    It is named. Requirement S-83.
    """
    assert not list(tree_of("challenge-unknown-kind").all("form"))


def test_frame_is_enough() -> None:
    """A frame of the two fields that have no default draws every page."""
    for view, _ in GALLERY.values():
        page = Tree(RENDERER.render(view, Frame(prefix="", now=1_760_000_000)).decode())
        assert list(page.root.all("h1")), view


TEMPLATES = sorted((Path(render.__file__).parent / "templates").rglob("*.html"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_all_words_can_be_translated(path: Path) -> None:
    """No template has words outside of a catalogue, neither as text nor in an attribute.

    Attributes that are read out are meant. Requirement U-64.
    """
    source = path.read_text(encoding="utf-8")
    source = re.sub(r"\{% block body_class %\}.*?\{% endblock %\}", "", source)
    source = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", source, flags=re.DOTALL)
    source = re.sub(r"<style>.*?</style>", "", source, flags=re.DOTALL)
    assert not re.findall(r'\s(?:aria-label|title|alt|placeholder)="[^"{]*[A-Za-z]', source)
    assert not re.findall(r"[A-Za-z]{2,}", re.sub(r"<[^>]*>|[a-z-]+=\"[^\"]*\"", "", source))


def test_pseudo_language_wraps_what_is_shown() -> None:
    """The language for tests accents and lengthens the pages' words.

    It leaves values and placeholders whole.
    """
    view, frame = GALLERY["challenge-sms-sent"]
    html = RENDERER.render(view, replace(frame, lang="en-XA")).decode()
    Tree(html)
    assert PHONE.hint.replace(" ", "\u00a0") in html
    assert "Security code" not in html
    assert "%(" not in html


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("Call the service desk at (202) 555-0188.", ["tel:2025550188"]),
        ("+49 30 1234567 or help@clinic.example", ["tel:+49301234567", "mailto:help@clinic.example"]),
        ("Extension 4400", []),
        ("Room 12-34, 2026", []),
        ("<b>x@y.example</b>", ["mailto:x@y.example"]),
        ("Call your administrator.", []),
    ],
)
def test_contacts_are_links(text: str, links: list[str]) -> None:
    """Telephone numbers and addresses of a contact can be pressed; all else is text."""
    shown = str(linked(text))
    assert re.findall(r'href="([^"]+)"', shown) == links
    assert shown.count('dir="ltr"') == len(links), "a number reads from the left in a text from the right"
    assert html.unescape(re.sub(r"</?a[^>]*>", "", shown)) == text


PROSE = {
    "": "",
    "one\ntwo": "<p>one two</p>",
    "one\r\n\r\ntwo": "<p>one</p>\n<p>two</p>",
    "# Top\ntext": "<h2>Top</h2>\n<p>text</p>",
    "## Two\n### Three": "<h2>Two</h2>\n<h2>Three</h2>",
    "#### four": "<p>#### four</p>",
    "#none": "<p>#none</p>",
    "- a - b\n* c * d": "<ul><li>a - b</li><li>c * d</li></ul>",
    "1. a 2. b\n2) c": "<ol><li>a 2. b</li><li>c</li></ol>",
    "- a\nb": "<p>- a b</p>",
    "# List\n- <b>": "<h2>List</h2>\n<ul><li>&lt;b&gt;</li></ul>",
    "<i>\n\n# <u>": "<p>&lt;i&gt;</p>\n<h2>&lt;u&gt;</h2>",
}


@pytest.mark.parametrize(("text", "shown"), PROSE.items())
def test_prose(text: str, shown: str) -> None:
    """Paragraphs, headings and lists of an agreement are drawn, and nothing in them is markup."""
    assert render.prose(text) == shown


def test_no_line_begins_with_a_dot() -> None:
    """The dot between two facts stays with the first of them where the line is narrow."""
    kept = '&#160;<span aria-hidden="true">·</span> '
    pages = {name: RENDERER.render(view, frame).decode() for name, (view, frame) in EVERY.items()}
    assert sum(kept in page for page in pages.values()) > 20
    assert not [name for name, page in pages.items() if "·" in page.replace(kept, "")]
    scripts = [asset.content.decode() for name, asset in static_assets().items() if name.endswith(".js")]
    assert not [script for script in scripts if " · " in script]


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("<h1>Add a sign-in method</h1>", '<h1>Add a <span class="apiece">sign-in</span> method</h1>'),
        ("<h2 id='a-b'>“E-Mail-Code”</h2>", "<h2 id='a-b'><span class=\"apiece\">“E-Mail-Code”</span></h2>"),
        (
            '<span class="row-name" id="x-y"><bdi>Authenticator-App</bdi> <b>1</b></span>',
            '<span class="row-name" id="x-y"><bdi><span class="apiece">Authenticator-App</span></bdi> <b>1</b></span>',
        ),
        ("<h3>&lt;a-b&gt;</h3>", '<h3><span class="apiece">&lt;a-b&gt;</span></h3>'),
        ("<h1>2 - 3 -x</h1><p>two-step</p>", "<h1>2 - 3 -x</h1><p>two-step</p>"),
    ],
)
def test_words_of_a_title_stay_whole(title: str, shown: str) -> None:
    """A word with a hyphen is one piece with the signs around it; other text stays."""
    assert with_whole_words(title) == shown


TITLES = ("h1", "h2", "h3")


def _broken(node: Node, *, inside: bool = False) -> Iterator[str]:
    """Find the text of a title that may be divided at a hyphen."""
    inside = inside or node.tag in TITLES or node.attrs.get("class") in ("row-name", "thing-name")
    if node.attrs.get("class") == "apiece":
        return
    if inside and re.search(r"\w-\w", node.text):
        yield node.text
    for child in node.children:
        yield from _broken(child, inside=inside)


@pytest.mark.parametrize("lang", ["de", "fr"])
def test_titles_keep_their_words_whole(lang: str) -> None:
    """Every heading and every name of a row does, on all pages."""
    for name, (view, frame) in EVERY.items():
        page = RENDERER.render(view, replace(frame, lang=lang)).decode()
        assert list(_broken(Tree(page).root)) == [], name


def test_titles_of_a_host_keep_their_words_whole(tmp_path: Path) -> None:
    """A template of the host need not say so."""
    (tmp_path / "locked.html").write_text("<h1>Sign-in is locked</h1>", "utf-8")
    view, frame = GALLERY["locked"]
    page = Renderer(templates=tmp_path).render(view, frame)
    assert page == b'<h1><span class="apiece">Sign-in</span> is locked</h1>'


@pytest.mark.parametrize(
    "opaque",
    [
        '<script>var words = "<h1>Sign-in</h1>";</script>',
        "<SCRIPT>if (a < b) say('<p class=\"row-name\">a-b</p>')</SCRIPT >",
        '<style>h1::before { content: "<h2>e-mail</h2>" }</style>',
        "<textarea><h1>Sign-in</h1></textarea>",
        "<title><h1>Sign-in</h1></title>",
        "<iframe><h1>Sign-in</h1></iframe>",
        "<!-- <h1>Sign-in</h1> -->",
        "<svg><text>Sign-in</text></svg>",
        '<svg viewBox="0 0 1 1"/>',
        "<script>let open = '<h1>never-closed'",
    ],
)
def test_what_holds_no_markup_stays_as_it_is(opaque: str) -> None:
    """Scripts, styles, comments and drawings of a host's template are left alone."""
    said, shown = "<h2>Two-step</h2>", '<h2><span class="apiece">Two-step</span></h2>'
    assert with_whole_words(f"{said}{opaque}") == f"{shown}{opaque}"
    if opaque.endswith(">"):
        assert with_whole_words(f"{opaque}{said}{opaque}{said}") == f"{opaque}{shown}{opaque}{shown}"
        within = f"<h1>A b-c {opaque} d-e</h1>"
        assert with_whole_words(within) == (
            f'<h1>A <span class="apiece">b-c</span> {opaque} <span class="apiece">d-e</span></h1>'
        )


@pytest.mark.parametrize(
    "element", ["<svg-icon name=lock></svg-icon>", "<title-bar>Hi</title-bar>", "<styled/>", "<math-field>"]
)
def test_an_element_of_a_hosts_own_hides_nothing(element: str) -> None:
    """A custom element may begin with the name of one that holds no markup."""
    assert with_whole_words(f"{element}<h2>Two-step</h2>") == f'{element}<h2><span class="apiece">Two-step</span></h2>'


def test_a_fold_that_shows_more_hides_it_again() -> None:
    """Whatever begins with "Show" has other words for the time when it is open."""
    folds = [fold for name in EVERY for fold in tree_of(name).all("summary") if fold.words().startswith("Show")]
    assert len(folds) > 5
    for fold in folds:
        closed, open, *_ = fold.children
        assert (closed.attrs["class"], open.attrs["class"]) == ("when-closed", "when-open")
        assert open.words() in ("Show fewer", "Hide the table")


def test_a_short_fact_of_a_line_is_one_piece() -> None:
    """A place and an application are, unless they are too long for a phone."""
    view, frame = GALLERY["settings"]
    assert isinstance(view, views.Settings)
    for place, piece in (("Porto Alegre", ' class="whole"'), ("Llanfairpwllgwyngyll, Isle of Anglesey", "")):
        it = views.Activity(at=1, kind="proof.granted", network="192.0.2.1", place=place, app=place)
        page = RENDERER.render(replace(view, browsers=(), activity=(it,)), frame).decode()
        assert page.count(f"<bdi{piece}>{place}</bdi>") == 2


@pytest.mark.parametrize("name", ["admin-tenant", "admin-report-sends"])
def test_words_of_a_plot_have_a_direction_of_their_own(name: str) -> None:
    """An Arabic date below a plot is read from the right, though time runs to the right."""
    view, frame = EVERY[name]
    root = Tree(RENDERER.render(view, replace(frame, lang="ar")).decode()).root
    lines = [line for line in root.all("p", "ul") if line.attrs.get("class") in ("chart-x", "legend chart-key")]
    said = [word for line in lines for word in line.all("bdi")]
    assert lines
    assert len(said) >= 2 * len(lines)
    assert not [line.words() for line in lines for _ in line.all("span")]
