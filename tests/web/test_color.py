"""Any accent a tenant may choose is readable in both themes."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfa_gate.core.luminance import WHITE, Color, contrast
from mfa_gate.core.rules import BrandRules
from mfa_gate.policyfile.predicates import legible_color
from mfa_gate.web.assets import asset_name, static_asset, static_assets
from mfa_gate.web.brand_files import brand_file
from mfa_gate.web.color import DARK_GROUNDS, LIGHT_GROUNDS, palette, parse, to_hex
from mfa_gate.web.theme import brand_css

colors = st.tuples(*[st.integers(0, 255)] * 3)


@given(colors, st.booleans())
def test_every_pair_has_its_contrast(accent: Color, dark: bool) -> None:
    """Text has a contrast of 4.5:1, lines and focus rings 3:1, for any accent, in both themes.

    WCAG 2.2 1.4.3 and 1.4.11. Requirement U-59.
    """
    made = palette(accent, dark=dark)
    grounds = (*(DARK_GROUNDS if dark else LIGHT_GROUNDS), parse(made.soft))
    on_fill = parse(made.on_fill)
    assert contrast(parse(made.fill), on_fill) >= 4.5
    assert contrast(parse(made.hover), on_fill) >= 4.5
    for ground in grounds:
        assert contrast(parse(made.text), ground) >= 4.5
        assert contrast(parse(made.line), ground) >= 3
    text = (236, 239, 244) if dark else (23, 27, 36)
    assert contrast(parse(made.soft), text) >= 4.5


@given(colors)
def test_what_a_policy_accepts_is_drawn_as_it_is(accent: Color) -> None:
    """The check of an accent and the button that is drawn in it measure alike."""
    made = palette(accent, dark=False)
    assert made.fill == to_hex(accent)
    assert (made.on_fill == to_hex(WHITE)) is legible_color(made.fill)


@pytest.mark.parametrize(
    "accent", ["", "red", "#12", "#12345", "#1234567", "#xyzxyz", "#0b5fff;}", "url(x)", "#0B5FFF\n"]
)
def test_what_is_no_color_is_the_default(accent: str) -> None:
    """Nothing but two spellings of a color reaches the stylesheet."""
    assert brand_css(BrandRules(accent=accent)) == brand_css(BrandRules())


def test_a_brand_stylesheet_has_a_hash() -> None:
    """The name changes with the colors, so browsers may keep the file."""
    one, other = (brand_file(BrandRules(accent=accent), "brand") for accent in ("#123456", "#654321"))
    assert one.name != other.name
    assert one.media_type.startswith("text/css")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../render.py",
        "mfa.css",
        "brand.0b5fff.000000000000.css",
        "brand.0B5FFF.css",
        "mfa.000000000000.css",
        "mfa.js\n",
    ],
)
def test_other_names_are_not_found(name: str) -> None:
    """Only the exact names that pages link to are served; no path reaches the disk."""
    assert static_asset(name) is None


def test_shipped_files_have_a_hash() -> None:
    """U-62: the stylesheet and the script go by names that change with their content."""
    assert {"mfa.css", "mfa.js"} <= {name.split(".")[0] + "." + name.split(".")[-1] for name in static_assets()}
    assert static_asset(asset_name("mfa.css")) is not None
    with pytest.raises(KeyError):
        asset_name("other.css")


def test_the_files_are_small() -> None:
    """Styles and scripts are under 40 KB on the wire together; no script has over 250 lines."""
    files = [it for it in static_assets().values() if it.name.endswith((".css", ".js"))]
    assert sum(len(gzip.compress(it.content)) for it in files) < 40_000
    assert [it.name for it in files if it.name.endswith(".js") and it.content.count(b"\n") > 250] == []
