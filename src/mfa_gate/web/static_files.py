"""Serve the static files, and the logo of a tenant, below ``/static``."""

from __future__ import annotations

from ..core.rules import BrandRules
from .assets import Asset, brand_asset, is_brand, present_asset, static_asset
from .request import Site
from .responses import NO_STORE, Answer
from .types import Receive, Scope

YEAR = 31_536_000


async def answer(site: Site, scope: Scope, receive: Receive, place: str) -> Answer:
    """Answer a request for the file at ``place``, the path below ``/static``."""
    if scope["method"] not in ("GET", "HEAD"):
        return Answer(405, b"", (*NO_STORE, (b"allow", b"GET, HEAD")))
    name = place.removeprefix("/")
    if name.startswith("logo"):
        return await _logo(site, scope, dark=name == "logo-dark")
    asset = site.brand_sheets.find(name, site.service.engine.policy) if is_brand(name) else static_asset(name)
    if asset is None:
        present = brand_asset(await _brand(site, scope)) if is_brand(name) else present_asset(name)
        return _present(present)
    headers = (
        (b"cache-control", f"public, max-age={YEAR}, immutable".encode()),
        (b"x-content-type-options", b"nosniff"),
    )
    return Answer(200, asset.content, headers, media=asset.media_type)


def _present(asset: Asset | None) -> Answer:
    """Answer a name of another version with the file of this one, which nobody keeps."""
    if asset is None:
        return Answer(404, b"", NO_STORE)
    return Answer(200, asset.content, (*NO_STORE, (b"x-content-type-options", b"nosniff")), media=asset.media_type)


async def _brand(site: Site, scope: Scope) -> BrandRules:
    """Return the brand of the subject's tenant."""
    subject = await site.callers.subject(scope)
    return site.service.engine.rules(subject.tenant if subject else "").brand


async def _logo(site: Site, scope: Scope, *, dark: bool) -> Answer:
    """Answer with the logo of the subject's tenant, as an inert image."""
    brand = await _brand(site, scope)
    content = (brand.logo_dark_bytes if dark else b"") or brand.logo_bytes
    if not content:
        return Answer(404, b"", NO_STORE)
    media = "image/png" if content.startswith(b"\x89PNG") else "image/svg+xml"
    headers = (
        (b"cache-control", b"private, max-age=300"),
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    )
    return Answer(200, content, headers, media=media)
