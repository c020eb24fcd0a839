"""Documents for browsers and password managers, at fixed addresses of the host (RFC 8615)."""

from __future__ import annotations

from ..core.reasons import Refusal
from ..ports import RelyingParty
from .responses import Answer, allowing, as_json, empty
from .scope import root_of
from .site import Site
from .types import Scope

RELATED = "/.well-known/webauthn"
ENDPOINTS = "/.well-known/passkey-endpoints"


def paths_of(party: RelyingParty) -> frozenset[str]:
    """Return the paths that the relying party has switched on.

    The gate answers them in the app's place.
    """
    switched = {RELATED: party.related_origins, ENDPOINTS: party.passkey_endpoints}
    return frozenset(path for path, is_on in switched.items() if is_on)


def answer(site: Site, scope: Scope, path: str) -> Answer:
    """Answer everybody: the origins at which our passkeys work, or the pages for passkeys."""
    if scope["method"] not in ("GET", "HEAD"):
        return empty(Refusal(reason="method_not_allowed"), [allowing(["GET"])])
    engine = site.service.engine
    if path == RELATED:
        return as_json({"origins": list(engine.wiring.relying_party.web_origins)})
    pages = engine.own_address.address or engine.public(root_of(scope))
    return as_json({"enroll": f"{pages}/enroll/webauthn", "manage": pages})
