"""Read the files that a policy may name: agreement, logos, stylesheet."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path as File

from ..core.rules import AgreementRules
from .faults import Wrong, shown

MOST_TEXT = 256 * 1024
MOST_LOGO = 64 * 1024
MOST_STYLES = 64 * 1024
PNG = b"\x89PNG\r\n\x1a\n"
SVG = "{http://www.w3.org/2000/svg}"
DRAWN = frozenset(
    (
        *("svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "title"),
        *("desc", "defs", "symbol", "use", "linearGradient", "radialGradient", "stop", "clipPath", "mask"),
    )
)
"""The elements that only draw. All others (script, style, image, foreignObject, animate, a) are refused."""
_FOREIGN = re.compile(r"url\(\s*['\"]?\s*(?!#)|javascript:|data:|expression\(|@import", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NEVER_LOADED = (
    (re.compile(r"@import", re.IGNORECASE), "the pages load no other stylesheet; put its rules into this file"),
    (re.compile(r"@font-face", re.IGNORECASE), "the pages load no font; name installed ones with the key font"),
    (
        re.compile(r"""url\(\s*['"]?\s*(?:[a-z][a-z0-9+.-]*:(?<!data:)|//)[^)]{0,60}""", re.IGNORECASE),
        "the pages load nothing from another site; use a path of your app or a data: address",
    ),
)


def with_text(agreement: AgreementRules, base: File) -> AgreementRules:
    """Add the text of the agreement and the SHA-256 of its bytes. Raises ``Wrong``."""
    content = _content(base, agreement.file, most=MOST_TEXT)
    text = _text(content, agreement.file)
    if not text.strip():
        raise Wrong(f"{shown(agreement.file)} is empty")
    return replace(agreement, text=text, digest=hashlib.sha256(content).hexdigest())


def logo_of(name: str, base: File) -> bytes:
    """Read the logo ``name``: a PNG, or an SVG that only draws. Raises ``Wrong``."""
    content = _content(base, name, most=MOST_LOGO)
    if not content.startswith(PNG):
        fault = svg_fault(content)
        if fault:
            raise Wrong(f"{shown(name)} cannot be the logo: {fault}")
    return content


def stylesheet_of(name: str, base: File) -> str:
    """Read the stylesheet ``name``. Raises ``Wrong``.

    What the content security policy of the pages forbids is refused: browsers would leave it out without a word.
    """
    text = _text(_content(base, name, most=MOST_STYLES), name)
    plain = _COMMENT.sub("", text)
    for pattern, what in _NEVER_LOADED:
        if found := pattern.search(plain):
            raise Wrong(f"{shown(name)} holds {shown(found[0])}: {what}")
    if plain.count("{") != plain.count("}"):
        raise Wrong(f"{shown(name)} has {plain.count('{')} braces that open and {plain.count('}')} that close")
    return text


def svg_fault(content: bytes) -> str:
    """Find the reason why ``content`` is no SVG that is safe to show; "" for a safe one."""
    from xml.etree import ElementTree

    # Entities and style sheets are refused before a parser sees them: they expand, and they fetch.
    lowered = content.lower()
    if b"<!doctype" in lowered or b"<!entity" in lowered or b"<?xml-stylesheet" in lowered:
        return "it has a DOCTYPE, an entity or a style sheet; save it as plain SVG"
    if b"\x00" in content:
        return "it is neither PNG nor SVG"
    try:
        root = ElementTree.fromstring(content)  # noqa: S314
    except (ElementTree.ParseError, ValueError, LookupError):
        return "it is neither PNG nor SVG"
    if root.tag != f"{SVG}svg":
        return 'its root is not <svg xmlns="http://www.w3.org/2000/svg">'
    for element in root.iter():
        name = str(element.tag)
        if name.removeprefix(SVG) not in DRAWN:
            return f"it holds <{name.rpartition('}')[2]}>; only shapes, text and gradients are shown"
        for attribute, value in element.attrib.items():
            fault = _attribute_fault(attribute.rpartition("}")[2], value)
            if fault:
                return fault
    return ""


def _attribute_fault(name: str, value: str) -> str:
    if name.lower().startswith("on"):
        return f"it holds the event handler {name}"
    if name in ("href", "src") and not value.strip().startswith("#"):
        return f"it refers to {shown(value)}, outside of itself"
    # CSS escapes could spell url( in ways that no pattern sees.
    if _FOREIGN.search(value) or (name == "style" and "\\" in value):
        return f"its {name} refers to something outside of itself"
    return ""


def _content(base: File, name: str, *, most: int) -> bytes:
    path = base / name
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "cannot be read"
        raise Wrong(f"{shown(name)}: {reason.lower()}; the file is looked for beside the policy") from None
    if len(content) > most:
        raise Wrong(f"{shown(name)} is larger than {most // 1024} KiB")
    return content


def _text(content: bytes, name: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Wrong(f"{shown(name)} is not UTF-8 text") from None
