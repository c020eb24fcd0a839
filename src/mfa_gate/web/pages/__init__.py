"""List the pages below the prefix in one table of addresses; GET shows, POST acts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from ...core.model import MAX_ID_BYTES
from ..quoted_ids import SLASH
from ..request import PageRequest
from ..responses import Answer
from . import account, admin, challenge, draft, enroll, impact, many, people, policy, reports, settings, start, what_if

Page = Callable[[PageRequest], Awaitable[Answer]]
OneOf = Callable[[PageRequest, str], Awaitable[Answer]]

PAGES: Mapping[str, Mapping[str, Page]] = {
    "": {"GET": settings.settings, "POST": settings.settings},
    "/challenge": {"GET": challenge.start, "POST": challenge.start},
    "/challenge/help": {"GET": challenge.help_page},
    "/enroll": {"GET": enroll.start, "POST": enroll.start},
    "/enroll/done": {"GET": enroll.done},
    "/enroll/offer": {"GET": enroll.offer},
    "/confirm": {"GET": enroll.confirm},
    "/backup-codes": {"GET": account.backup_codes, "POST": account.backup_codes},
    "/agreement": {"GET": account.agreement, "POST": account.agreement},
    "/recovery": {"GET": account.recovery, "POST": account.recovery},
    "/locked": {"GET": account.locked},
    "/admin": {"GET": start.start},
    "/admin/accounts": {"GET": people.accounts, "POST": people.act},
    "/admin/many": {"GET": people.accounts, "POST": many.act},
    "/admin/reports": {"GET": reports.reports},
    "/admin/tenant": {"GET": admin.tenant, "POST": admin.set_tenant},
    "/admin/audit": {"GET": admin.audit},
    "/admin/what-if": {"GET": what_if.what_if},
    "/admin/policy": {"GET": policy.policy, "POST": policy.approve},
    "/admin/reports/impact": {"GET": impact.impact},
}
"""Fixed addresses, below the prefix."""

ONE_OF: Mapping[str, Mapping[str, OneOf]] = {
    "/challenge/": {"GET": challenge.one, "POST": challenge.answer},
    "/enroll/": {"GET": draft.one, "POST": draft.act},
    "/admin/accounts/": {"GET": admin.account, "POST": admin.act},
    "/admin/reports/": {"GET": reports.report},
}
"""Addresses whose last segment names one of several."""


def find(place: str) -> Mapping[str, Page] | None:
    """Find the handlers of an address below the prefix, by method.

    Returns None for an address without a page.
    """
    fixed = PAGES.get(place)
    if fixed is not None:
        return fixed
    for beginning, handlers in ONE_OF.items():
        rest = place.removeprefix(beginning)
        if rest != place and rest and "/" not in rest and len(rest) <= MAX_ID_BYTES:
            return {method: _bound(handler, rest.replace(SLASH, "/")) for method, handler in handlers.items()}
    return None


def _bound(handler: OneOf, name: str) -> Page:
    return lambda request: handler(request, name)
