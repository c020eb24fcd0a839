"""The host's look: tokens, logos, a stylesheet, no brand (U-61, V-40)."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mfa_gate.cli.doctor.app_policy import accents, brands
from mfa_gate.core.luminance import BLACK, TEXT, WHITE, Color, contrast
from mfa_gate.core.model import replace as change
from mfa_gate.core.rules import BrandRules
from mfa_gate.policyfile import load_policy
from mfa_gate.policyfile.loading import examine
from mfa_gate.web.brand_files import brand_file
from mfa_gate.web.color import parse, to_hex, until
from mfa_gate.web.contrast import PAIRS, THEMES, color_in, properties_in, unread_colors, weak_pairs
from mfa_gate.web.resources import folder
from mfa_gate.web.theme import brand_css
from mfa_gate.web.views.messages import mail_colors
from tests.harness import POLICY, call, http_scope, make_world, with_rules
from tests.web.gallery import FRAME, changes, pages, parser
from tests.web.gallery_many import RENDERER

OURS = folder("static").joinpath("mfa.css").read_text("utf-8")
colors = st.tuples(*[st.integers(0, 255)] * 3)
VIEW = next(view for name, view, _ in pages() if name == "challenge-totp")


def page_of(**brand: object) -> str:
    """Render a page with this brand."""
    return RENDERER.render(VIEW, replace(FRAME, brand=BrandRules(**brand))).decode()  # type: ignore[arg-type]


def test_our_own_colors_can_be_read() -> None:
    """Every pair of our stylesheet has its contrast, and every color of the table is there.

    Requirement U-59.
    """
    assert weak_pairs(OURS) == []
    assert unread_colors(OURS) == []
    for theme in THEMES:
        values = properties_in(OURS, theme=theme)
        assert all(color_in(values, name) for front, grounds, _ in PAIRS for name in (front, *grounds))


@given(colors, colors, colors)
def test_own_grounds_make_a_whole_palette(accent: Color, text: Color, surface: Color) -> None:
    """Any text and surface with 7:1 between them give a palette that can be read."""
    away = max(WHITE, BLACK, key=lambda color: contrast(color, surface))
    text = until(text, away, (surface,), 7)
    assume(contrast(text, surface) >= 7)
    front, ground = to_hex(text), to_hex(surface)
    brand = BrandRules(accent=to_hex(accent), text=front, surface=ground, text_dark=front, surface_dark=ground)
    weak = {(pair.front, pair.ground) for pair in weak_pairs(OURS, brand_css(brand).decode())}
    assert {pair for pair in weak if pair[0] not in ("text", "muted")} == set()
    assert not {ground for front, ground in weak if front == "text" and ground == "surface"}


@given(colors)
def test_an_accent_can_be_read_wherever_it_is_drawn(accent: Color) -> None:
    """Pages, mails and the icons of a tab draw it with enough contrast, whoever has it."""
    brand = BrandRules(name="Northgate", accent=to_hex(accent))
    assert weak_pairs(OURS, brand_css(brand).decode()) == []
    for dark in (False, True):
        mail = mail_colors(brand, dark=dark)
        assert contrast(parse(mail.on_accent), parse(mail.accent)) >= TEXT
    for icon in (brand, replace(brand, name="")):
        tile, letter = re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', brand_file(icon, "favicon").content.decode())
        assert contrast(parse(tile), parse(letter)) >= TEXT


@pytest.mark.parametrize("place", ["[brand]", "[tenants.clinic.brand]"])
def test_an_accent_of_a_tenant_is_checked_as_that_of_the_file(tmp_path: Path, place: str) -> None:
    """A policy with a pale one is refused, at the line of the tenant."""
    text = f'version = 1\nname = "p"\n{place}\naccent = "#ffee00"\n'
    (fault,) = [it for it in examine(text, base=tmp_path).faults if "accent" in it.path]
    assert (fault.line, "4.5:1" in fault.text) == (4, True)


def test_the_doctor_measures_the_brand_of_each_tenant() -> None:
    """A brand that no file has checked is measured, too."""
    pale = replace(POLICY.base, brand=BrandRules(accent="#0b5fff", styles=":root{--accent-text:#ffee00}"))
    gate = make_world(policy=change(POLICY, tenants={**POLICY.tenants, "alpha": pale})).gate
    (weak, *_) = brands(gate)
    assert (weak.verdict, "(alpha)" in weak.text) == ("fault", True)
    assert [line.text.split()[0] for line in accents(gate)] == ["#0b5fff"]


def test_a_pair_that_cannot_be_read_is_found() -> None:
    """A weak token and a weak property of a stylesheet are found in their theme."""
    pale = brand_css(BrandRules(text="#999999")).decode()
    assert {(pair.theme, pair.front) for pair in weak_pairs(OURS, pale)} >= {("light", "text"), ("light", "muted")}
    assert {pair.theme for pair in weak_pairs(OURS, pale)} == {"light"}
    own = brand_css(BrandRules(styles="@media (prefers-color-scheme:dark){:root{--muted:#333}}")).decode()
    assert {(pair.theme, pair.front) for pair in weak_pairs(OURS, own)} == {("dark", "muted")}


@pytest.mark.parametrize(
    ("sheet", "found"),
    [
        (":root{--text:#FFF}", "light"),
        ("html, body { --text : white !x; }", ""),
        ("html,:root { --text: rgb(250, 250, 250) }", "light"),
        (":root{--pale:#eee;--text:var(--pale)}", "light"),
        ("/* :root{--text:#fff} */", ""),
        ("@media print{:root{--text:#fff}}", ""),
        ("@media (prefers-color-scheme: light) { :root { --text: #fff } }", "light"),
        ("@supports (color: red) { :root { --text: #fff } }", "light"),
        (".card{--text:#fff}", ""),
        (":root{--text:#fff} :root{--text:#171b24}", "dark"),
        (":root{--text:var(--text)}", ""),
        (":root{--text:#fff", "light"),
    ],
)
def test_how_a_stylesheet_is_read(sheet: str, found: str) -> None:
    """Forms of a color, media, comments and the order of rules are read as by a browser.

    ``found`` is the one theme in which the text is weak, or "".
    """
    weak = {
        pair.theme
        for pair in weak_pairs(OURS, sheet)
        if pair.front == "text" and pair.ground in ("surface", "bad-soft")
    }
    assert weak == ({found} if found else set())


def test_a_form_that_is_not_read_is_told() -> None:
    """A color in another form is no fault, and is named."""
    sheet = ":root{--text:oklch(40% 0.1 20)}"
    assert ("text", "oklch(40% 0.1 20)") in unread_colors(OURS, sheet)
    assert weak_pairs(OURS, sheet) == []


def test_the_defaults_change_nothing() -> None:
    """A brand with an accent alone sets the accent's six colors and no others."""
    values = properties_in(brand_css(BrandRules()).decode(), theme="light")
    assert {name.partition("-")[0] for name in values} <= {"accent", "on"}


def test_radius_font_and_own_rules() -> None:
    """They come in this order, so that the host's own rules win."""
    css = brand_css(BrandRules(radius=3, font='"Inter", Arial', styles=".card{border:0}")).decode()
    assert "--radius: 3px; --radius-card: 5px" in css
    assert '--font: "Inter", Arial, system-ui, sans-serif' in css
    assert css.endswith(".card{border:0}")


def test_a_dark_surface_in_the_light_theme() -> None:
    """A brand that is always dark gets dark controls, and colors for dark ground."""
    css = brand_css(BrandRules(text="#f4f4f4", surface="#101418")).decode()
    assert "color-scheme: dark; --text" in css
    assert "color-scheme: dark; --text" not in brand_css(BrandRules(text="#111111", surface="#fffaf0")).decode()
    assert weak_pairs(OURS, css) == []


def test_logos() -> None:
    """The dark theme has a logo of its own.

    The name is the logo's text where no name stands beside it.
    """
    plain = page_of()
    assert 'alt=""' in plain
    assert "brand-name" in plain
    assert "<source" not in plain
    both = RENDERER.render(VIEW, replace(FRAME, logo_dark="/mfa/static/logo-dark", brand=BrandRules(show_name=False)))
    assert b'<source srcset="/mfa/static/logo-dark" media="(prefers-color-scheme: dark)">' in both
    assert b'alt="Northwind Finance"' in both
    assert b"brand-name" not in both


def test_no_brand() -> None:
    """Without a logo and a shown name the header has the menu alone, if there is one."""
    bare = replace(FRAME, logo="", brand=BrandRules(show_name=False))
    text = RENDERER.render(VIEW, bare).decode()
    assert "<header" in text
    assert 'class="brand-name"' not in text
    nobody = RENDERER.render(VIEW, replace(bare, person="", sign_out="", languages=())).decode()
    assert "<header" not in nobody
    assert "<title>" in nobody


async def test_each_logo_has_its_address() -> None:
    """Both logos are served as inert images; the dark one falls back to the other."""
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
    brand = BrandRules(logo_bytes=svg, logo_dark_bytes=svg + b" ")
    world = make_world(policy=with_rules(lambda r: replace(r, brand=brand)))
    for name, content in (("logo", svg), ("logo-dark", svg + b" ")):
        reply = await call(world.app, http_scope("GET", f"/mfa/static/{name}"))
        assert (reply.status, reply.body) == (200, content)
        assert b"sandbox" in dict(reply.headers)[b"content-security-policy"]
    alone = make_world(policy=with_rules(lambda r: replace(r, brand=replace(brand, logo_dark_bytes=b""))))
    assert (await call(alone.app, http_scope("GET", "/mfa/static/logo-dark"))).body == svg


def test_the_pages_can_be_drawn_with_an_accent() -> None:
    """The options of the tool that draws every page fit the frame."""
    given = parser().parse_args(["out", "--accent", "#8a2c0d", "--lang", "de"])
    frame = replace(FRAME, **changes(given))
    assert (frame.brand.accent, frame.lang) == ("#8a2c0d", "de")


HEAD = 'version = 1\nname = "p"\n[brand]\n'


def test_files_of_the_policy(tmp_path: Path) -> None:
    """Logos and stylesheet are read from beside the policy."""
    (tmp_path / "dark.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (tmp_path / "own.css").write_text(
        ".card { background: url(/static/p.png) }\n/* @import */ @media print { a { color: red } }"
    )
    (tmp_path / "p.toml").write_text(
        HEAD + 'logo_dark = "dark.svg"\nstylesheet = "own.css"\nradius = 0\nshow_name = false\n'
    )
    brand = load_policy(tmp_path / "p.toml").base.brand
    assert brand.logo_dark_bytes.startswith(b"<svg")
    assert brand.styles.startswith(".card")
    assert (brand.radius, brand.show_name) == (0, False)


@pytest.mark.parametrize(
    ("line", "sheet", "says"),
    [
        ('stylesheet = "no.css"', "", "no such file"),
        ('stylesheet = "own.css"', "@import 'a.css';", "load no other stylesheet"),
        ('stylesheet = "own.css"', "@font-face { src: url(/a.woff2) }", "load no font"),
        ('stylesheet = "own.css"', "a { background: url( 'https://cdn.example/a.png' ) }", "from another site"),
        ('stylesheet = "own.css"', "a { background: url(//cdn.example/a.png) }", "from another site"),
        ('stylesheet = "own.css"', "a { color: red", "braces"),
        ('logo_dark = "own.css"', "a {}", "cannot be the logo"),
        ('text = "black"', "", '"#171b24"'),
        ("radius = 40", "", "24"),
        ('font = "Inter; } body { display: none"', "", "installed fonts"),
        ('font = "url(x)"', "", "installed fonts"),
    ],
)
def test_what_the_pages_would_leave_out(tmp_path: Path, line: str, sheet: str, says: str) -> None:
    """A part that a browser would ignore without a word is a fault, with its line."""
    (tmp_path / "own.css").write_text(sheet)
    (fault,) = examine(HEAD + line + "\n", base=tmp_path).faults
    assert says in fault.told("p.toml")
    assert "p.toml:4: brand." in fault.told("p.toml")


def test_a_data_address_may_be_used(tmp_path: Path) -> None:
    """The other side: what the content security policy allows."""
    (tmp_path / "own.css").write_text(
        "a { background: url(data:image/png;base64,AA==) } b { background: url('/x.png') }"
    )
    assert examine(HEAD + 'stylesheet = "own.css"\n', base=tmp_path).faults == ()
