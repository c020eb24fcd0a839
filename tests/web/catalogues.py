"""The catalogues of the words of pages and messages.

``python tests/web/catalogues.py`` reads templates and tables, and updates and compiles the catalogues.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

import mfa_gate.web.i18n as i18n
from mfa_gate.core.browser_names import BROWSER_ON
from mfa_gate.core.events import EVENTS, UNKNOWN
from mfa_gate.core.reasons import REASONS
from mfa_gate.core.rules.sections import CONTACT
from mfa_gate.factors.phone import CONSENT
from mfa_gate.web.views.problems import FORM_WORDS

WEB = Path(i18n.__file__).parent
LOCALE = WEB / "locale"
TEMPLATE = LOCALE / f"{i18n.DOMAIN}.pot"
LANGUAGES = ("ar", "de", "es", "fr", "pt-BR", "vi", "zh-Hans")
HEADER = "# The words of mfa_gate's pages. Same license as mfa_gate."
Message = str | tuple[str, str]


@cache
def messages() -> dict[Message, str]:
    """Collect every text that may be shown, with its place, once a process.

    The places are templates, the words for times, the tables of reasons and events, and the words of messages.
    """
    found: dict[Message, str] = {}
    options = {"**.html": {"trimmed": "false"}}
    for folder in (WEB / "templates", WEB.parent / "factors"):
        for name, _line, text, _comments, _context in extract_from_dir(
            str(folder), method_map=[("**.html", "jinja2")], options_map=options
        ):
            found.setdefault(tuple(text[:2]) if isinstance(text, tuple) else text, f"{folder.name}/{name}")  # type: ignore[arg-type]
    for path in (WEB / "times.py", *sorted((WEB / "pages").glob("*.py"))):
        for text in _in_python(path):
            found.setdefault(text, str(path.relative_to(WEB)))
    for place, text in _of_messages():
        found.setdefault(text, place)
    for row in REASONS.values():
        sentence = row.beside_form.every() if row.beside_form else ()
        for text in (row.title, row.text, *sentence):
            found.setdefault(text, "core/reasons")
    for form in FORM_WORDS.values():
        for text in form.every():
            found.setdefault(text, "views/problems.py")
    for event in (*EVENTS.values(), UNKNOWN):
        for words in filter(None, (event.own, event.desk)):
            for text in filter(None, (words.plain, words.named)):
                found.setdefault(text, "core/events")
    return found


def every_message() -> dict[Message, str]:
    """Collect the texts that hosts may put into other words, with the language's own name."""
    return {i18n.OWN_NAME: "the language's own name, for the switcher", **messages()}


def template() -> bytes:
    """Write the template of the catalogues, from which hosts make their own."""
    catalog = Catalog(header_comment=HEADER, project="mfa_gate", version="1", fuzzy=False)
    catalog.msgid_bugs_address = catalog.last_translator = catalog.language_team = "mfa_gate"
    catalog.creation_date = read("de").creation_date
    for message, where in sorted(every_message().items(), key=lambda item: (item[1], str(item[0]))):
        catalog.add(message, "" if isinstance(message, str) else ("", ""), auto_comments=[where])
    out = BytesIO()
    write_po(out, catalog, width=120)
    return out.getvalue()


def _in_python(path: Path) -> Iterator[Message]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        texts = [part.value for part in node.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        if name in {"_", "gettext"} and texts:
            yield texts[0]
        if name in {"n", "ngettext"} and len(texts) == 2:
            yield texts[0], texts[1]


def _of_messages() -> Iterator[tuple[str, str]]:
    """Yield the texts of mails, text messages and calls, each after its place."""
    desk = (WEB.parent / "service" / "admin").rglob("*.py")
    for path in [*sorted((WEB.parent / "core").rglob("*.py")), *sorted(desk)]:
        for text in _marked(ast.parse(path.read_text(encoding="utf-8"))):
            yield str(path.relative_to(WEB.parent)), text
    for row in EVENTS.values():
        notice, alarm = row.notice, row.alarm
        for text in (notice.headline, notice.sentence, notice.closing) if notice else ():
            yield "core/events", text
        for text in (alarm.headline, alarm.happened, alarm.advice) if alarm else ():
            yield "core/events", text
    for path in sorted((WEB.parent / "factors").glob("*.py")):
        for text in _marked(ast.parse(path.read_text(encoding="utf-8")), "translate"):
            yield f"factors/{path.name}", text
    for name in (*sorted(i18n.NAMES_OF_KINDS), BROWSER_ON, CONSENT, CONTACT):
        yield "factors", name


def _marked(tree: ast.AST, by: str = "N_") -> Iterator[str]:
    """Yield the texts that are arguments of the function ``by``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and by in (getattr(node.func, "id", ""), getattr(node.func, "attr", "")):
            yield from (str(part.value) for part in node.args if isinstance(part, ast.Constant))


def path_of(lang: str, suffix: str) -> Path:
    """The ``.po`` or ``.mo`` of a language."""
    return LOCALE / lang / "LC_MESSAGES" / f"{i18n.DOMAIN}.{suffix}"


def locale_of(lang: str) -> str:
    """Return the name that Babel has for a language."""
    return lang.replace("-", "_")


def read(lang: str) -> Catalog:
    """The catalogue of a language as it is kept; an empty one where there is none yet."""
    path = path_of(lang, "po")
    if not path.exists():
        return Catalog(locale=locale_of(lang), domain=i18n.DOMAIN)
    with path.open("rb") as file:
        return read_po(file, locale=locale_of(lang), domain=i18n.DOMAIN)


def updated(lang: str) -> Catalog:
    """The kept catalogue with today's messages: new ones empty, those that are gone dropped."""
    kept = read(lang)
    fresh = Catalog(
        locale=locale_of(lang), domain=i18n.DOMAIN, header_comment=HEADER, project="mfa_gate", version="1", fuzzy=False
    )
    fresh.msgid_bugs_address = fresh.last_translator = fresh.language_team = "mfa_gate"
    fresh.creation_date, fresh.revision_date = kept.creation_date, kept.revision_date
    for message, where in sorted(messages().items(), key=lambda item: (item[1], str(item[0]))):
        old = kept.get(message if isinstance(message, str) else message[0])
        words = old.string if old else "" if isinstance(message, str) else ("",) * fresh.num_plurals
        fresh.add(message, words, auto_comments=[where])
    return fresh


def compiled(catalog: Catalog) -> bytes:
    """The ``.mo`` of a catalogue."""
    out = BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def without_words(catalog: Catalog) -> list[Message]:
    """The messages that are not translated, in one of their plural forms at least."""
    found: list[Message] = []
    for message in catalog:
        forms = [message.string] if isinstance(message.string, str) else list(message.string or ())
        if message.id and not all(forms):
            found.append(message.id)  # type: ignore[arg-type]
    return found


def main() -> None:
    """Brings the files of every language up to date."""
    for lang in LANGUAGES:
        catalog = updated(lang)
        path_of(lang, "po").parent.mkdir(parents=True, exist_ok=True)
        with path_of(lang, "po").open("wb") as file:
            write_po(file, catalog, width=120)
        path_of(lang, "mo").write_bytes(compiled(catalog))
        TEMPLATE.write_bytes(template())
        print(f"{lang}: {len(catalog)} messages, {len(without_words(catalog))} without words", *without_words(catalog))


if __name__ == "__main__":
    main()
