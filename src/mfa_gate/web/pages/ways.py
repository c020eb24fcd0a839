"""Draw authenticators and factors as the pages name them."""

from __future__ import annotations

from ...core.model import Authenticator
from ...service import Judgement
from ...service.enrollable import enrollable
from ...service.factor_choice import reachable
from ..request import PageRequest
from ..views import Way


def way_of(request: PageRequest, authenticator: Authenticator, judgement: Judgement) -> Way:
    """Draw one of the visitor's authenticators, with its masked destination."""
    account = judgement.account
    factor = request.factors.get(authenticator.factor)
    hint = ""
    if account is not None and factor is not None and not request.factors.traits[authenticator.factor].backup:
        context = request.service.challenges.context(
            request.caller, judgement.requirement.rules, purpose="sign-in", account=account
        )
        hint = factor.hint(context, authenticator.data)
    browser = judgement.evidence.browser if judgement.evidence else None
    return Way(
        kind=authenticator.factor,
        id=authenticator.id,
        label=authenticator.label,
        hint=hint,
        last=bool(browser and browser.last_factor == authenticator.id),
        off=authenticator.factor in request.off,
    )


def ways_of(request: PageRequest, judgement: Judgement, *, without: str = "") -> tuple[Way, ...]:
    """List the authenticators that may answer here, strongest first."""
    mine = reachable(judgement)
    return tuple(way_of(request, a, judgement) for a in mine if a.id != without)


def kinds_of(request: PageRequest, judgement: Judgement) -> tuple[Way, ...]:
    """List the factors that may be enrolled here.

    They are those that the demand asks for, and whose sender the host has.
    """
    kinds = enrollable(judgement)
    senders, traits = request.service.engine.wiring.senders, request.factors.traits
    return tuple(
        Way(kind=kind, label=traits[kind].name, off=kind in request.off)
        for kind in kinds
        if not traits[kind].sends or traits[kind].fetched or senders.for_channel(traits[kind].sends) is not None
    )
