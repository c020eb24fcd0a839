"""A method that an address does not take is refused with the list of those that it takes.

HEAD is in the list wherever GET is, and every method of the list is taken.
"""

from __future__ import annotations

import pytest

from mfa_gate.web import pages
from mfa_gate.web.api.table import ACCOUNTS, CALLS, ON_ACCOUNT, ON_PART, ONE_OF
from tests.harness import JSON, ORIGIN, World

PAGES = ("/dispute/x", "/health", "/hooks/voice/x", "/static/x")
"""Addresses for everybody."""
OWN = [*pages.PAGES, *(f"{place}x" for place in pages.ONE_OF)]
API = [
    *CALLS,
    *(f"{place}x" for place in ONE_OF),
    *(f"{ACCOUNTS}x{action}" for action in ON_ACCOUNT),
    *(f"{ACCOUNTS}x{action}y" for action in ON_PART),
]


@pytest.mark.parametrize("kind", ["pages", "api"])
async def test_what_is_allowed_is_taken(world: World, kind: str) -> None:
    """405 names the methods; none of them is answered with 405."""
    ann = await world.enrolled(groups=["admin", "security"])
    places = [f"/api{place}" for place in API] if kind == "api" else [*OWN, *PAGES]
    headers = [("accept", "application/json" if kind == "api" else "text/html"), ("origin", ORIGIN), JSON]
    for place in places:
        refused = await ann.ask("TRACE", f"/mfa{place}", headers=[*headers, ("x-mfa-gate", "1")], keep=False)
        assert refused.status == 405, place
        allowed = refused.header("allow").split(", ")
        assert ("HEAD" in allowed) == ("GET" in allowed), place
        for method in allowed:
            reply = await ann.ask(method, f"/mfa{place}", headers=headers, keep=False)
            assert reply.status != 405, (method, place)
