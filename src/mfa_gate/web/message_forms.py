"""Give mails and text messages their form, by templates.

The folder of the host may replace or extend ours (``mails/``, ``texts/``). A template of the host that fails, or that
loses the code or an address, does not stop a message: our own form is sent, and the log says so.
"""

from __future__ import annotations

import logging
import re
from functools import cache, cached_property
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.messages.letter import EmailText, Letter, Part
from ..core.messages.texts import Text
from ..core.rules import BrandRules
from ..core.text_safety import one_line
from .i18n import Languages
from .resources import every_text, folder
from .views.catalogue import MESSAGES
from .views.messages import Mail, TextMessage, mail_view, text_view

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment, Template

__all__ = ["OURS", "MessageForms", "is_message"]

log = logging.getLogger("mfa_gate")

OURS = "mfa_gate"
LETTER, PLAIN = Mail.templates
CODE, NOTICE = TextMessage.templates
MAX_MAIL = 100_000
"""The most characters of a mail: mail programs cut longer ones."""
MAX_TEXT = 1_000
_PIECE = re.compile(
    r"(?<![\w/.:@&#-])(?:"
    r"[+(]?\d[\d ()./-]{5,18}\d"
    r"|\d{4}-\d\d-\d\d"
    r"|\d{1,2}:\d\d(?::\d\d)?(?: [AP]M)?(?: UTC)?"
    r"|[A-Z\d]{4,6}(?:-[A-Z\d]{1,6}){1,4}"
    r")(?![\w/@-])"
)
"""A telephone number, a time, a day or a reference, which no mail program should break.

The middle of an address or of a longer word is none of them.
"""
_WHOLE = r'<span style="white-space:nowrap">\g<0></span>'
MAX_BRANDED = 64
"""The most brands and languages whose letter is compiled with their values. Others are filled in anew each time."""
_BRANDED_LETTERS: dict[tuple[object, ...], Template] = {}
"""The letters that have the values of a brand and a language written in: the same for all gates of a process."""


def is_message(name: str) -> bool:
    """Tell if a template is one of a mail or a text message, or a part of one."""
    return name.removeprefix(f"{OURS}/").startswith(("mails/", "texts/"))


class MessageForms:
    """The forms of mails and text messages. ``templates`` is a folder of the host."""

    def __init__(self, *, templates: Path | None = None, languages: Languages | None = None) -> None:
        self._languages = languages or Languages()
        self._own = templates
        self._environments: dict[str, Environment] = {}

    def letter(self, letter: Letter, lang: str, brand: BrandRules, /) -> EmailText:
        """Write a mail as plain text and as HTML."""
        view = mail_view(letter, lang, brand)
        text = self._form(PLAIN, view) if PLAIN in self._names else letter.text
        return EmailText(subject=letter.subject, text=f"{text.strip()}\n", html=self._form(LETTER, view))

    def text(self, text: Text, lang: str, /) -> str:
        """Return the host's own words of a text message, "" where the host has none."""
        name = CODE if text.code else NOTICE
        if name not in self._names:
            return ""
        return one_line(self._form(name, text_view(text, lang)), limit=MAX_TEXT)

    def faults(self) -> list[str]:
        """Try the host's templates with a mail and text messages, and list the faults."""
        trials: dict[str, Mail | TextMessage] = {LETTER: TRIAL, PLAIN: TRIAL, CODE: TRIAL_CODE, NOTICE: TRIAL_NOTICE}
        return [
            fault for name, view in trials.items() if name in self._names and (fault := self._own_form(name, view)[1])
        ]

    def _form(self, name: str, view: Mail | TextMessage) -> str:
        """Write a template: the host's where there is one that works, else ours."""
        if name in self._names:
            made, fault = self._own_form(name, view)
            if not fault:
                return made
            log.error("templates=: %s; the message went out in our own form", fault)
        ours = _branded_letter(view) if name == LETTER and isinstance(view, Mail) else _ours().get_template(name)
        return ours.render(view=view)

    def _own_form(self, name: str, view: Mail | TextMessage) -> tuple[str, str]:
        """Write a template of the host. Returns the text, and the fault if it may not be sent."""
        try:
            made = self.environment(view.lang).get_template(name).render(view=view)
        except Exception as error:
            return "", f"{name} cannot be written: {type(error).__name__}: {error}"
        if len(made) > MAX_MAIL:
            return "", f"{name} makes a mail of {len(made)} characters, and mail programs cut it after {MAX_MAIL}"
        plain = unescape(made) if name.endswith(".html") else made
        lost = next((words for words in _needed(view) if words not in plain), "")
        return made, f"{name} shows no {'code' if lost.isdigit() else 'address'} of its message" if lost else ""

    @cached_property
    def _names(self) -> frozenset[str]:
        """Name the templates of the host. The folder is looked at once."""
        if self._own is None:
            return frozenset()
        return frozenset(name for name in MESSAGES if (self._own / name).is_file())

    def environment(self, lang: str) -> Environment:
        """Make the environment of the host's templates in a language, and keep it."""
        from jinja2 import ChoiceLoader, DictLoader, FileSystemLoader, PrefixLoader

        made = self._environments.get(lang)
        if made is None:
            ours = DictLoader(our_texts())
            made = _environment(ChoiceLoader([FileSystemLoader(str(self._own)), ours, PrefixLoader({OURS: ours})]))
            gettext = self._languages.words(lang).gettext

            def said(message: str, **values: object) -> str:
                return gettext(message) % values if values else gettext(message)

            made.globals["_"] = said
            self._environments[lang] = made
        return made


@cache
def our_texts() -> dict[str, str]:
    """Read our templates of messages by their names."""
    return {name: text for name, text in every_text(folder("templates")) if is_message(name)}


@cache
def _ours() -> Environment:
    """Make the environment of our own templates.

    They have no words, so there is one for all languages.
    """
    from jinja2 import DictLoader

    return _environment(DictLoader(our_texts()))


def _branded_letter(view: Mail) -> Template:
    """Return our letter with the values of its brand written in.

    Brands that come after the first ``MAX_BRANDED`` get the letter that is filled in anew.
    """
    from .branded_templates import written_in

    known, key = _BRANDED_LETTERS, (view.light, view.dark, view.font, view.radius, view.lang)
    made = known.get(key)
    if made is None:
        made = _ours().get_template(LETTER)
        if len(known) < MAX_BRANDED:
            made = known[key] = written_in(_ours(), LETTER, our_texts()[LETTER], view)
    return made


def _environment(loader: BaseLoader) -> Environment:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup, escape

    made = Environment(
        loader=loader,
        autoescape=_is_markup,  # noqa: S701  # a text message and plain text are no markup
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters["in_pieces"] = lambda text: Markup(_PIECE.sub(_WHOLE, str(escape(text))))  # noqa: S704  # escaped
    return made


def _is_markup(name: str | None) -> bool:
    return not (name or "").endswith(".txt")


def _needed(view: Mail | TextMessage) -> list[str]:
    """List the texts that a message cannot do without: the code, and the addresses of buttons."""
    if isinstance(view, TextMessage):
        return [view.code] if view.code else []
    return [part.url or part.text for part in view.parts if part.kind in ("code", "button")]


_PARTS = (
    Part("Heading", "heading"),
    Part("493817", "code"),
    Part("Text & more"),
    Part("When: today\nWhere: here", "facts"),
    Part("Press", "button", "Go", "https://app.example/mfa?a=1&b=2"),
)
TRIAL = mail_view(Letter(kind="code", subject="Trial", title="Trial", parts=_PARTS, service="App"), "en", BrandRules())
TRIAL_CODE = TextMessage(kind="code", text="493817 is your code", service="App", lang="en", code="493817", minutes=10)
TRIAL_NOTICE = TextMessage(kind="account.locked", text="App: Locked.", service="App", lang="en", headline="Locked")
