"""The files of brands: kept for good, in the brand's colors, the same for everybody."""

from __future__ import annotations

import zlib
from dataclasses import replace

import pytest

from mfa_gate.core.rules import BrandRules
from mfa_gate.web.brand_files import ICON_SIZES, brand_file, brand_names
from mfa_gate.web.png import PNG, repainted
from tests.harness import Reply, World, call, http_scope, make_world, with_rules

from .icons import FOLDER, drawn

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
BRAND = BrandRules(accent="#8a2c0d", logo_bytes=SVG, logo_dark_bytes=SVG + b" ")


def branded() -> World:
    """A world whose organization has a brand of its own."""
    return make_world(policy=with_rules(lambda r: replace(r, brand=BRAND)))


async def fetched(world: World, name: str) -> Reply:
    """Fetch a static file as somebody who is not signed in."""
    return await call(world.app, http_scope("GET", f"/mfa/static/{name}"))


@pytest.mark.parametrize("plain", ["brand", "logo", "logo-dark", "icon-180", "icon-192", "icon-512"])
async def test_a_file_of_a_brand_is_kept_for_good(plain: str) -> None:
    """Its address changes with its content. A picture that is opened by itself runs nothing."""
    reply = await fetched(branded(), brand_names(BRAND)[plain])
    headers = dict(reply.headers)
    assert (reply.status, headers[b"cache-control"]) == (200, b"public, max-age=31536000, immutable")
    assert (b"sandbox" in headers.get(b"content-security-policy", b"")) == (plain != "brand")


async def test_an_unknown_hash_is_answered_with_the_present_file_which_nobody_keeps() -> None:
    """A page of another version gets a logo; nothing is made for a visitor's own name."""
    for name in ("logo.000000000000.svg", "logo", "icon-180.000000000000.png"):
        reply = await fetched(branded(), name)
        assert (reply.status, dict(reply.headers)[b"cache-control"]) == (200, b"no-store")
    bare = make_world()
    assert (await fetched(bare, "logo.000000000000.svg")).status == 404
    assert (await fetched(branded(), "icon-181.000000000000.png")).status == 404


async def test_pages_without_a_visitor_have_the_logo_too() -> None:
    """The logo stands on the page of a phone, which knows nobody."""
    page = await call(branded().app, http_scope("GET", "/mfa/approve"))
    assert brand_names(BRAND)["logo"].encode() in page.body
    assert brand_names(BRAND)["logo-dark"].encode() in page.body


def test_an_icon_is_painted_in_the_accent() -> None:
    """Only the palette differs between brands: accent for the ground, white for the drawing."""
    first, second = (brand_file(BrandRules(accent=accent), "icon-180").content for accent in ("#8a2c0d", "#0b5fff"))
    assert first != second
    assert first[first.index(b"IDAT") :] == second[second.index(b"IDAT") :]
    palette = first[first.index(b"PLTE") + 4 :]
    assert palette[:3] == bytes.fromhex("8a2c0d")
    assert palette[63 * 3 : 64 * 3] == b"\xff\xff\xff"


def rows_of(png: bytes) -> bytes:
    """Unpack a PNG, and check each chunk by its sum."""
    assert png.startswith(PNG)
    at, data = len(PNG), b""
    while at < len(png):
        length, kind = int.from_bytes(png[at : at + 4]), png[at + 4 : at + 8]
        body = png[at + 8 : at + 8 + length]
        assert int.from_bytes(png[at + 8 + length : at + 12 + length]) == zlib.crc32(kind + body)
        data += body if kind == b"IDAT" else b""
        at += 12 + length
    return zlib.decompress(data)


@pytest.mark.parametrize("size", ICON_SIZES)
def test_an_icon_is_a_png_that_can_be_read(size: int) -> None:
    """It has as many rows as the picture is high."""
    assert len(rows_of(brand_file(BRAND, f"icon-{size}").content)) == size * (size + 1)


def test_another_number_of_colors_is_a_fault() -> None:
    """A palette that does not fit the drawing is refused."""
    with pytest.raises(ValueError, match="64 colors, not 1"):
        repainted(brand_file(BRAND, "icon-180").content, [(0, 0, 0)])


def test_the_drawing_is_the_one_that_the_tool_draws() -> None:
    """The smallest stands for all three; drawing a large one takes seconds."""
    assert rows_of(FOLDER.joinpath("icon-180.png").read_bytes()) == rows_of(drawn(180))
