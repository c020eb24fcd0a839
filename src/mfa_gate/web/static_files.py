"""Serve the static files and the files of brands, below ``/static``."""

from __future__ import annotations

from ..core.reasons import Refusal
from ..core.rules import BrandRules
from .assets import Asset, present_asset, static_asset
from .brand_files import brand_file, plain_name
from .responses import NO_STORE, Answer, Header, allowing, empty
from .site import Site
from .types import Receive, Scope

YEAR = 31_536_000
INERT: tuple[Header, ...] = ((b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox"),)
"""For pictures: one that is opened by itself runs nothing."""


async def answer(site: Site, scope: Scope, receive: Receive, place: str) -> Answer:
    """Answer a request for the file at ``place``, the path below ``/static``."""
    if scope["method"] not in ("GET", "HEAD"):
        return empty(Refusal(reason="method_not_allowed"), [allowing(["GET"])])
    name = place.removeprefix("/")
    plain = plain_name(name)
    asset = site.brand_files.find(name, site.service.engine.policy) if plain else static_asset(name)
    if asset is None:
        present = brand_file(await _brand(site, scope), plain) if plain else present_asset(name)
        return _file(present, NO_STORE)
    return _file(asset, ((b"cache-control", f"public, max-age={YEAR}, immutable".encode()),))


def _file(asset: Asset | None, kept: tuple[Header, ...]) -> Answer:
    """Answer with a file.

    A name of another version gets the file of this one, which nobody keeps.
    """
    if asset is None or not asset.content:
        return empty(Refusal(reason="not_found"))
    inert = INERT if asset.media_type.startswith("image/") else ()
    headers = (*kept, (b"x-content-type-options", b"nosniff"), *inert)
    return Answer(200, asset.content, headers, media=asset.media_type)


async def _brand(site: Site, scope: Scope) -> BrandRules:
    """Return the brand of the subject's tenant."""
    subject = await site.callers.subject(scope)
    return site.service.engine.rules(subject.tenant if subject else "").brand
