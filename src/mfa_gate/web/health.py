"""Answer the host's probe at ``/mfa/health``: a word for everybody, and no detail."""

from __future__ import annotations

from ..core.reasons import Refusal
from .responses import Answer, allowing, as_json, empty
from .site import Site
from .types import Receive, Scope


async def answer(site: Site, scope: Scope, receive: Receive, place: str) -> Answer:
    """Answer 200 where the gate can judge people, else 503 (F-1).

    It asks for no sign-in and for no proof.
    """
    if scope["method"] not in ("GET", "HEAD"):
        return empty(Refusal(reason="method_not_allowed"), [allowing(["GET"])])
    if await site.service.health.of_store() == "ok":
        return as_json({"status": "ok"})
    return as_json({"status": "degraded"}, status=503, headers=[(b"retry-after", b"1")])
