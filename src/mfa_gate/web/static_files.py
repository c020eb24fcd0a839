"""Serve the static files, and the logo of a tenant, below ``/static``."""

from __future__ import annotations

from .assets import is_known, present_asset, static_asset
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
        return await _logo(site, scope)
    policy = site.service.engine.policy
    every = (policy.base, *policy.tenants.values()) if name.startswith("brand.") else ()
    if not is_known(name, {rules.brand.accent for rules in every}):
        return Answer(404, b"", NO_STORE)
    asset = static_asset(name)
    if asset is None:
        return _present(name)
    headers = (
        (b"cache-control", f"public, max-age={YEAR}, immutable".encode()),
        (b"x-content-type-options", b"nosniff"),
    )
    return Answer(200, asset.content, headers, media=asset.media_type)


def _present(name: str) -> Answer:
    """Answer a name of another version with the file of this one, which nobody keeps."""
    asset = present_asset(name)
    if asset is None:
        return Answer(404, b"", NO_STORE)
    return Answer(200, asset.content, (*NO_STORE, (b"x-content-type-options", b"nosniff")), media=asset.media_type)


async def _logo(site: Site, scope: Scope) -> Answer:
    """Answer with the logo of the subject's tenant, as an inert image."""
    subject = await site.callers.subject(scope)
    brand = site.service.engine.rules(subject.tenant if subject else "").brand
    if not brand.logo_bytes:
        return Answer(404, b"", NO_STORE)
    media = "image/png" if brand.logo_bytes.startswith(b"\x89PNG") else "image/svg+xml"
    headers = (
        (b"cache-control", b"private, max-age=300"),
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    )
    return Answer(200, brand.logo_bytes, headers, media=media)
