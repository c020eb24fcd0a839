"""Views to HTML: a bare Jinja environment of our own, never the host's, made when the first page is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.events import kind_of
from ..core.reasons import REASONS, Reason
from ..factors import BUILT_IN, Registry
from . import times
from .assets import CSP, Asset, asset_name, brand_css, brand_name, static_asset, static_assets
from .i18n import Words, translator
from .qr_code import qr_svg
from .views.problems import sentence_of

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

    from .views import Frame, View
    from .views.admin import AdminView

__all__ = [
    "CSP",
    "Asset",
    "Renderer",
    "brand_css",
    "brand_name",
    "static_asset",
    "static_assets",
]

_TEMPLATES = Path(__file__).parent / "templates"


class Renderer:
    """Render views.

    ``templates`` is a folder of the host whose templates replace or extend ours (D-14). Each of ``factors`` brings the
    template of its kind.
    """

    def __init__(self, *, templates: Path | None = None, factors: Registry = BUILT_IN) -> None:
        self._factors = factors
        self._folders = [templates, _TEMPLATES] if templates else [_TEMPLATES]
        self._environments: dict[str, Environment] = {}

    def render(self, view: View | AdminView, frame: Frame) -> bytes:
        """The page, in UTF-8. Raises ``jinja2.TemplateError`` for a broken template of the host."""
        environment = self._environments.get(frame.lang) or self._environment(frame.lang)
        static = f"{frame.prefix}/static/"
        return (
            environment.get_template(view.template)
            .render(
                view=view,
                frame=frame,
                prefix=frame.prefix,
                asset=lambda name: static + asset_name(name),
                brand_href=static + brand_name(frame.accent),
            )
            .encode()
        )

    def _environment(self, lang: str) -> Environment:
        from jinja2 import ChoiceLoader, Environment, FileSystemLoader, FunctionLoader, StrictUndefined

        words = translator(lang)
        files = FileSystemLoader([str(folder) for folder in self._folders])
        environment = Environment(
            loader=ChoiceLoader([files, FunctionLoader(self._of_factor)]),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        install: Callable[..., None] = environment.install_gettext_callables  # type: ignore[attr-defined]
        install(gettext=words.gettext, ngettext=words.ngettext, newstyle=True)
        environment.filters.update(_filters(words))
        kinds = frozenset(name for name in files.list_templates() if name.startswith("factors/"))
        kinds |= {f"factors/{kind}.html" for kind in self._factors}
        environment.globals["factor_file"] = partial(_factor_file, kinds)
        environment.globals["reason_row"] = _reason_row
        environment.globals["problem_words"] = sentence_of
        environment.globals["event_row"] = kind_of
        self._environments[lang] = environment
        return environment

    def _of_factor(self, name: str) -> str | None:
        """Read a factor's own template, for the name ``factors/<kind>.html``."""
        factor = self._factors.get(name.removeprefix("factors/").removesuffix(".html"))
        return factor.template.read_text("utf-8") if factor is not None else None


def _factor_file(kinds: frozenset[str], kind: str) -> str:
    """The words of one kind. A kind that this version does not know (S-83) has general ones."""
    name = f"factors/{kind}.html"
    return name if name in kinds else "factors/_other.html"


def _reason_row(word: str) -> Reason:
    return REASONS[word]


def _filters(words: Words) -> dict[str, Callable[..., Any]]:
    return {
        "iso": times.iso,
        "clock": partial(_flipped, times.clock, words),
        "day": partial(_flipped, times.day, words),
        "moment": partial(_flipped, times.moment, words),
        "lasting": lambda seconds: times.length(seconds, words),
        "ago": lambda at, now: times.ago(at, now, words),
        "in_fours": in_fours,
        "qr": qr_svg,
        "prose": prose,
    }


def _flipped(say: Callable[[int, Words], str], words: Words, at: int) -> str:
    return say(at, words)


def in_fours(key: str) -> str:
    """A base32 key in groups of four, as people read one."""
    return " ".join(key[i : i + 4] for i in range(0, len(key), 4))


def prose(text: str) -> Markup:
    """Plain text as paragraphs, headings (``#``, ``##``) and lists (``-``, ``1.``); everything in it is escaped."""
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
