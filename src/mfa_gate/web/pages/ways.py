"""Authenticators and factors as the pages name them."""

from __future__ import annotations

from ...core.model import Authenticator
from ...service import Judgement
from ...service.enrollable import enrollable
from ...service.factor_choice import reachable
from ..request import Visit
from ..views import Way


def way_of(visit: Visit, authenticator: Authenticator, judgement: Judgement) -> Way:
    """One of the visitor's authenticators, with its masked destination."""
    account = judgement.account
    factor = visit.factors.get(authenticator.factor)
    hint = ""
    if account is not None and factor is not None and not visit.factors.traits[authenticator.factor].backup:
        context = visit.service.challenges.context(
            visit.caller, judgement.requirement.rules, purpose="sign-in", account=account
        )
        hint = factor.hint(context, authenticator.data)
    browser = judgement.evidence.browser if judgement.evidence else None
    return Way(
        kind=authenticator.factor,
        id=authenticator.id,
        label=authenticator.label,
        hint=hint,
        last=bool(browser and browser.last_factor == authenticator.id),
        off=authenticator.factor in visit.off,
    )


def ways_of(visit: Visit, judgement: Judgement, *, without: str = "") -> tuple[Way, ...]:
    """The authenticators that may answer here, strongest first."""
    mine = reachable(judgement)
    return tuple(way_of(visit, a, judgement) for a in mine if a.id != without)


def kinds_of(visit: Visit, judgement: Judgement) -> tuple[Way, ...]:
    """The factors that may be enrolled here: those that the demand asks for, and whose sender the host has."""
    kinds = enrollable(judgement)
    senders, traits = visit.service.engine.wiring.senders, visit.factors.traits
    return tuple(
        Way(kind=kind, label=traits[kind].name, off=kind in visit.off)
        for kind in kinds
        if not traits[kind].sends or traits[kind].fetched or senders.for_channel(traits[kind].sends) is not None
    )
