"""Render views to HTML.

The Jinja environment is our own, never the host's. It is made when the first page is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.events import kind_of
from ..core.messages.causes import words_of
from ..core.reasons import REASONS, Reason
from ..factors import BUILT_IN, Registry
from . import times
from .assets import asset_name
from .brand_files import brand_names
from .i18n import Languages, Words, own_name
from .qr_code import qr_svg
from .resources import FOLDERS, every_text, folder
from .views.problems import sentence_of

if TYPE_CHECKING:
    from jinja2 import BaseLoader, BytecodeCache, Environment
    from markupsafe import Markup

    from .views import Frame, View
    from .views.admin import AdminView
    from .views.impact import AdminImpact

__all__ = ["Renderer"]

OURS = "mfa_gate"
MAX_ICONS = 256
MAX_LANGUAGES = 64
OTHER_FACTOR = "factors/_other.html"
"""The general words of a kind that this version does not know (S-83)."""


class Renderer:
    """A renderer of views.

    ``templates`` is a folder of the host. Its templates replace or extend ours (D-14). Each factor of ``factors``
    brings the template of its kind. ``languages`` have the words.
    """

    def __init__(
        self, *, templates: Path | None = None, factors: Registry = BUILT_IN, languages: Languages | None = None
    ) -> None:
        for name in FOLDERS:
            folder(name)  # a missing one is told at the start, not at the first page
        self._languages = languages or Languages()
        self._factors = factors
        self._own = templates
        self._environments: dict[str, Environment] = {}

    def render(self, view: View | AdminView | AdminImpact, frame: Frame) -> bytes:
        """Render a page as UTF-8 bytes. Raises ``jinja2.TemplateError``.

        The error means that a template of the host is broken.
        """
        environment = self._environments.get(frame.lang) or self.environment(frame.lang)
        static = frame.assets or f"{frame.prefix}/static/"
        page: dict[str, Any] = {
            **environment.globals,
            "view": view,
            "frame": frame,
            "prefix": frame.prefix,
            "asset": lambda name: static + asset_name(name),
            "brand_href": static + brand_names(frame.brand)["brand"],
            "icon_href": static + brand_names(frame.brand)["favicon"],
        }
        # To make a module costs as much as half a page, so each is made once a page, and only what is used.
        page["factor_of"] = cache(
            lambda kind: environment.select_template([f"factors/{kind}.html", OTHER_FACTOR]).make_module(
                page, shared=True
            )
        )
        page["ui"] = environment.get_template("_parts.html").make_module(page, shared=True)
        return with_whole_words(environment.get_template(view.template).render(page)).encode()

    def environment(self, lang: str) -> Environment:
        """Make the environment of a language, and keep it for its pages."""
        from jinja2 import StrictUndefined

        words = self._languages.words(lang)
        environment = _in_words(words)(
            loader=self._loader,
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            bytecode_cache=_compiled(words),
        )
        install: Callable[..., None] = environment.install_gettext_callables  # type: ignore[attr-defined]
        install(gettext=words.gettext, ngettext=words.ngettext, newstyle=True)
        environment.filters.update(_filters(words))
        environment.globals["reason_row"] = _reason_row
        environment.globals["words_of"] = lambda cause: words_of(cause, words.gettext)
        environment.globals["detail_in_words"] = lambda text: words_of(
            words.gettext(text) if text else "", words.gettext
        )
        environment.globals["problem_words"] = sentence_of
        environment.globals["event_row"] = kind_of
        environment.globals["_"] = _said(words)
        icons: Any = environment.get_template("_icons.html").module
        environment.globals["icons"] = icons
        environment.globals["icon"] = lru_cache(maxsize=MAX_ICONS)(icons.icon)
        environment.globals["words"] = environment.get_template("_words.html").module
        self._environments[lang] = environment
        return environment

    @cached_property
    def texts(self) -> dict[str, str]:
        """Read our templates by their names, and those of the factors."""
        theirs = {f"factors/{kind}.html": factor.template.read_text("utf-8") for kind, factor in self._factors.items()}
        return {**theirs, **dict(every_text(folder("templates")))}

    @cached_property
    def _loader(self) -> BaseLoader:
        """Make the loader of every language.

        The host's templates come first, then ours and those of the factors. Ours have a second name, below ``mfa_gate/``,
        by which a template of the host extends the one that it replaces.
        """
        from jinja2 import ChoiceLoader, DictLoader, FileSystemLoader, PrefixLoader

        texts = DictLoader(self.texts)
        if not self._own:
            return texts
        return ChoiceLoader([FileSystemLoader(str(self._own)), texts, PrefixLoader({OURS: texts})])


def _in_words(words: Words) -> type[Environment]:
    """Make the environment of one language.

    When it compiles a template, it puts the texts without values in.
    """
    from jinja2 import Environment, nodes
    from jinja2.visitor import NodeTransformer

    said = _said(words)

    class Texts(NodeTransformer):
        def visit_Call(self, node: nodes.Call) -> nodes.Node:
            self.generic_visit(node)
            match node:
                case nodes.Call(node=nodes.Name(name="_"), args=[nodes.Const(value=str(text))], kwargs=[]):
                    return nodes.Const(said(text), lineno=node.lineno)
            return node

    class InWords(Environment):
        def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
            return Texts().visit(super()._parse(source, name, filename))  # type: ignore[no-any-return]

    return InWords


@lru_cache(maxsize=MAX_LANGUAGES)
def _compiled(words: Words) -> BytecodeCache:
    """Keep what was compiled with these words, for every renderer of this process.

    The check of a host's templates at start and the gate itself compile each template once between them.
    """
    from jinja2 import BytecodeCache
    from jinja2.bccache import Bucket

    codes: dict[tuple[str, str], Any] = {}

    class InMemory(BytecodeCache):
        def load_bytecode(self, bucket: Bucket) -> None:
            bucket.code = codes.get((bucket.key, bucket.checksum))

        def dump_bytecode(self, bucket: Bucket) -> None:
            codes[bucket.key, bucket.checksum] = bucket.code

    return InMemory()


def _said(words: Words) -> Callable[..., Markup]:
    """Make the ``_`` of the templates: Jinja's newstyle gettext."""
    from markupsafe import Markup

    def said(message: str, **values: object) -> Markup:
        return Markup(words.gettext(message)) % values  # noqa: S704  # a text of a catalogue; the values are escaped

    return said


def _reason_row(word: str) -> Reason:
    return REASONS[word]


def _filters(words: Words) -> dict[str, Callable[..., Any]]:
    return {
        "iso": times.iso,
        "clock": partial(_flipped, times.clock, words),
        "day": partial(_flipped, times.day, words),
        "moment": partial(_flipped, times.moment, words),
        "whole": partial(_flipped, times.whole, words),
        "lasting": lambda seconds: times.length(seconds, words),
        "ago": lambda at, now: times.ago(at, now, words),
        "own_name": lambda label: own_name(label, words),
        "in_fours": in_fours,
        "qr": qr_svg,
        "prose": prose,
        "linked": linked,
    }


def _flipped(say: Callable[[int, Words], str], words: Words, at: int) -> str:
    return say(at, words)


def in_fours(key: str) -> str:
    """Split a base32 key into groups of four, as people read it."""
    return " ".join(key[i : i + 4] for i in range(0, len(key), 4))


_TITLES = re.compile(r'<h([1-3])\b.*?</h\1>|<\w+ class="(?:row|thing)-name".*?</(?:span|p)>', re.DOTALL)
_HYPHENED = re.compile(r"(?<![^\s<>;])(?:[^\s<>&]|&#?\w+;)*\w-\w(?:[^\s<>&]|&#?\w+;)*(?![^<>]*>)")
_OPAQUE = re.compile(
    r"<(?=[!a-z])(?:!--.*?(?:-->|\Z)|(?:svg|math)(?=[\s/>])[^>]*/>"
    r"|(script|style|title|textarea|xmp|iframe|noembed|noframes|plaintext|svg|math)(?=[\s/>]).*?(?:</\1\s*>|\Z))",
    re.DOTALL | re.IGNORECASE,
)
"""The parts that hold no markup of HTML: comments, elements of raw text, drawings (HTML, 13.1.2)."""
_HIDDEN = "<\0>"
"""Stands for such a part. Pages do not have it: every text of a page is escaped."""


def with_whole_words(html: str) -> str:
    """Keep each word of a heading, and of the name of a row, on one line where it fits.

    "Sign-in" does not end a line as "sign-". That holds for every page, also for one of a template of the host, whose
    scripts, styles and drawings stay as they are.
    """
    opaque = [*_OPAQUE.finditer(html)]
    ends = [*(found.start() for found in opaque), len(html)]
    bare = _HIDDEN.join(
        html[start:end] for start, end in zip([0, *(found.end() for found in opaque)], ends, strict=True)
    )
    whole = _TITLES.sub(lambda title: _HYPHENED.sub(r'<span class="apiece">\g<0></span>', title[0]), bare)
    back = (found[0] for found in opaque)
    return re.sub(_HIDDEN, lambda mark: next(back, mark[0]), whole)


_LINKED = re.compile(r"(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)|(?P<tel>\+?\d[\d ()./\u2011-]{5,}\d)")


def linked(text: str) -> Markup:
    """Make the mail addresses and telephone numbers of a text links.

    Everything else in it is escaped. A shorter number is an extension, and no link.
    """
    from markupsafe import Markup, escape

    parts, at = [], 0
    for found in _LINKED.finditer(text):
        said = found[0]
        to = f"mailto:{said}" if found["mail"] else "tel:" + re.sub(r"[^\d+]", "", said)
        parts += [escape(text[at : found.start()]), Markup('<a href="{}" dir="ltr">{}</a>').format(to, said)]
        at = found.end()
    return Markup("").join([*parts, escape(text[at:])])


def prose(text: str) -> Markup:
    """Turn plain text into paragraphs, headings and lists, with everything in it escaped.

    ``#`` and ``##`` begin a heading, ``-`` and ``1.`` an item of a list.
    """
    from markupsafe import Markup, escape

    parts: list[str] = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()):
        lines = [line.strip() for line in block.split("\n") if line.strip()]
        while lines and (heading := re.match(r"#{1,3}\s+(.+)", lines[0])):
            parts.append(f"<h2>{escape(heading.group(1))}</h2>")
            lines = lines[1:]
        for mark, tag in ((r"[-*]\s+", "ul"), (r"\d+[.)]\s+", "ol")):
            if lines and all(re.match(mark, line) for line in lines):
                items = "".join(f"<li>{escape(re.sub(mark, '', line, count=1))}</li>" for line in lines)
                parts.append(f"<{tag}>{items}</{tag}>")
                lines = []
        if lines:
            parts.append(f"<p>{escape(' '.join(lines))}</p>")
    return Markup("\n".join(parts))  # noqa: S704  # every text above is escaped
