"""Durations, paths, colors, and the two files beside the policy."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfa_gate.core.durations import format_duration, parse_duration, seconds_of
from mfa_gate.core.rules import BrandRules, PathRule
from mfa_gate.policyfile import examine, parse_policy
from mfa_gate.policyfile.attachments import svg_fault
from mfa_gate.policyfile.keys import key_for
from mfa_gate.policyfile.predicates import legible_color, path_fault

from .kinds import HEAD


@given(st.integers(min_value=0, max_value=10**9))
def test_a_duration_is_written_as_it_is_read(seconds: int) -> None:
    """The text of a number of seconds reads back as the same number."""
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("90s", 90), ("10m", 600), ("12h", 43_200), ("7d", 604_800), ("7d1s", 604_801)]
)
def test_durations(text: str, seconds: int) -> None:
    """Each unit, and several of them."""
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "7", "7 d", "-7d", "7D", "7w", "1.5h", "1s1d", "d", "٧d", "7d\n", "1e3s"])
def test_what_is_no_duration(text: str) -> None:
    """No sign, no fraction, no other digits, no other order."""
    assert parse_duration(text) is None


@given(st.text(max_size=30))
def test_any_text_is_a_path_rule_or_not(text: str) -> None:
    """S-4, S-5: an accepted rule is a clean ASCII path.

    It matches itself and everything in it, and nothing beside it.
    """
    if path_fault(text):
        return
    rule = PathRule(text=text)
    root = text[1:] if text.startswith("=") else text[:-3]
    assert root.isascii()
    assert not set(root) & set("%;\\?#*")
    assert rule.matches(root) or root == ""
    assert rule.matches(root + "/x") is not text.startswith("=")
    assert not rule.matches(root + "x") or root == ""


@pytest.mark.parametrize(
    "text", ["=/", "=/a", "=/a/", "/a/**", "/a/b.c/**", "/**", "=/healthz", "/~x/**", "=/a.b/...c"]
)
def test_paths(text: str) -> None:
    """Exact paths and whole trees."""
    assert path_fault(text) == ""


NO_PATHS = """
/a|/a/*|a/**|=a|//**|/a//**|=/a//b|/../**|=/a/./b|=/%61|=/a;b|=/a\\b|/ä/**|=/a b|=/a?b|=/a#b|/a/*/b/**|=|=//|/a/**/**|^/a$|**
"""


@pytest.mark.parametrize("text", ["", "=/a\n", "=/a\x00", *NO_PATHS.strip().split("|")])
def test_what_is_no_path(text: str) -> None:
    """S-5: tricks, patterns, queries and relative paths are refused when the policy is loaded."""
    assert path_fault(text)


@pytest.mark.parametrize(
    ("color", "fits"),
    [
        *(("#0b5fff", True), ("#000000", True), ("#767676", True), ("#777777", False), ("#ffff00", False)),
        *(("blue", False), ("#fff", False), ("#0B5FFF", True), ("#0b5fffff", False)),
    ],
)
def test_an_accent_can_be_read(color: str, fits: bool) -> None:
    """WCAG 1.4.3: 4.5:1 against white; #767676 is the lightest gray that passes."""
    assert legible_color(color) is fits


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        *(("https://example.org/help", True), ("/help", True), ("mailto:help@example.org", True), ("", True)),
        *(("//evil.example", False), ("/\\evil.example", False), ("http://example.org", False), ("https://", False)),
        *(("javascript:alert(1)", False), ("https://[", False), ("https://a b", False), ("mailto:", False)),
    ],
)
def test_a_help_address_leads_where_it_says(address: str, fits: bool) -> None:
    """A link on our pages is https, mail, or the host's own path.

    Nothing that runs or hides its host.
    """
    assert key_for(BrandRules, "help_url").holds(address) is fits


def svg(inside: str, attributes: str = "") -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{inside}</svg>'.encode()


@pytest.mark.parametrize(
    "content",
    [
        svg('<path d="M0 0"/>'),
        svg('<defs><linearGradient id="a"><stop offset="0"/></linearGradient></defs><rect fill="url(#a)"/>'),
        svg('<use href="#a"/><g style="fill:url(#a)"/><!-- logo -->'),
    ],
)
def test_an_inert_svg(content: bytes) -> None:
    """Shapes, gradients and references to itself are fine."""
    assert svg_fault(content) == ""


@pytest.mark.parametrize(
    "content",
    [
        svg("<script>alert(1)</script>"),
        svg("<SCRIPT>alert(1)</SCRIPT>"),
        svg('<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script>'),
        svg("", 'onload="alert(1)"'),
        svg('<rect onClick="alert(1)"/>'),
        svg('<use href="https://evil.example/x.svg#a"/>'),
        svg('<use xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="//evil.example/x#a"/>'),
        svg('<a href="javascript:alert(1)"><rect/></a>'),
        svg("<style>@import url(//evil.example)</style>"),
        svg('<rect style="fill:url(//evil.example/x)"/>'),
        svg('<rect style="fill:u\\72l(//evil.example/x)"/>'),
        svg("<rect fill=\"url( 'https://evil.example')\"/>"),
        svg("<foreignObject><body/></foreignObject>"),
        svg('<image href="data:image/png;base64,AA"/>'),
        svg('<rect><animate attributeName="href"/></rect>'),
        svg('<rect><set attributeName="onload" to="x"/></rect>'),
        b'<!DOCTYPE svg [<!ENTITY a "b">]>' + svg("&a;"),
        b'<?xml-stylesheet href="//evil.example"?>' + svg(""),
        '<?xml version="1.0" encoding="utf-16"?>'.encode("utf-16") + svg("").decode().encode("utf-16-le"),
        b"<svg><rect/></svg>",
        b"<html/>",
        b"GIF89a",
        b"",
    ],
)
def test_an_svg_that_does_more_than_draw(content: bytes) -> None:
    """An SVG with scripts, handlers, foreign references, animations or entities is no logo."""
    assert svg_fault(content)


def logo_fault(base: Path, content: bytes | None) -> str:
    if content is not None:
        (base / "logo").write_bytes(content)
    faults = examine(HEAD + '[brand]\nlogo = "logo"\n', base=base).faults
    assert len(faults) <= 1
    return faults[0].told("p.toml") if faults else ""


def test_logos(tmp_path: Path) -> None:
    """A missing, an oversized and an alien logo are faults at the key.

    A PNG is not looked into.
    """
    assert "p.toml:4: brand.logo" in logo_fault(tmp_path, None)
    assert "larger than 64 KiB" in logo_fault(tmp_path, b"\x89PNG\r\n\x1a\n" + bytes(64 * 1024))
    assert "neither PNG nor SVG" in logo_fault(tmp_path, b"\xff\xd8\xff")
    assert logo_fault(tmp_path, b"\x89PNG\r\n\x1a\n" + bytes(100)) == ""
    assert logo_fault(tmp_path, svg("<rect/>")) == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b" \n", "is empty"),
        (b"\xff\xfe", "not UTF-8"),
        (None, "no such file"),
        (b"a" * (256 * 1024 + 1), "is larger than 256 KiB"),
    ],
)
def test_agreements(tmp_path: Path, content: bytes | None, said: str) -> None:
    """An agreement that nobody could read is a fault, for a tenant at the tenant's line."""
    if content is not None:
        (tmp_path / "a.md").write_bytes(content)
    text = HEAD + '[tenants.x.agreement]\nid = "a"\nversion = "1"\ntitle = "A"\nfile = "a.md"\n'
    (fault,) = examine(text, base=tmp_path).faults
    assert (fault.line, fault.path) == (7, "tenants.x.agreement.file")
    assert said in fault.text


def test_the_pictures_of_a_brand_are_read_once(tmp_path: Path) -> None:
    """The policy holds the bytes of both logos, so no request reads a file."""
    light, dark = svg("<rect/>"), svg("<circle/>")
    (tmp_path / "light.svg").write_bytes(light)
    (tmp_path / "dark.svg").write_bytes(dark)
    text = HEAD + '[brand]\nlogo = "light.svg"\nlogo_dark = "dark.svg"\n'
    brand = parse_policy(text, base=tmp_path).base.brand
    assert (brand.logo_bytes, brand.logo_dark_bytes) == (light, dark)
    assert parse_policy(HEAD, base=tmp_path).base.brand.logo_bytes == b""
