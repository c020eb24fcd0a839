"""Lead a person to the host's identity provider for a new sign-in, and back."""

from __future__ import annotations

import asyncio
import inspect
import logging

from starlette.requests import HTTPConnection

from ...core.decision import StepUp
from ...core.web_address import read_address
from ...ports import FreshSignIn
from .. import views
from ..request import PageRequest
from ..scope import safe_path

log = logging.getLogger("mfa_gate")

PATIENCE = 5.0
NOW = ("no_proof", "ip_changed", "revoked")
"""Reasons for which the sign-in that the provider knows already would not do."""


async def sign_in_again(request: PageRequest, decision: StepUp) -> views.SignInAgain:
    """Draw the page that leads to the identity provider.

    Nothing of ours is set up, or nothing that meets the demand, so only the identity provider can confirm the person.
    """
    action, asked_by = request.asked_by(decision)
    return views.SignInAgain(
        why=decision.reason,
        action=action,
        asked_by=asked_by,
        max_age=decision.demand.max_age,
        again=await _address(request, decision),
        sign_in=request.sign_in,
        sign_out=request.host(request.site.sign_out),
    )


async def _address(request: PageRequest, decision: StepUp) -> str:
    """Ask the host for the address; "" where it has none, or none that can be linked."""
    make = request.site.sign_in_again
    if make is None:
        return ""
    freshness, demand = request.rules.freshness, decision.demand
    wish = FreshSignIn(
        max_age=0 if decision.reason in NOW else int(demand.max_age),
        acr_values=freshness.strong_acr if demand.phishing_resistant else freshness.trust_acr,
        return_to=request.own("/challenge"),
    )
    try:
        async with asyncio.timeout(PATIENCE):
            made = make(HTTPConnection(dict(request.scope)), wish)
            address = await made if inspect.isawaitable(made) else made
    except Exception:
        log.exception("mfa_gate: sign_in_again failed, so the page has no link to a new sign-in")
        return ""
    if isinstance(address, str):
        if safe_path(address, limit=4096):
            return request.host(address)
        if (found := read_address(address)) is not None:
            return found.url
    log.error("mfa_gate: sign_in_again returned %r: a path of the app or a whole https address is needed", address)
    return ""
