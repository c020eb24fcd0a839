"""The conditions of a break-glass grant: its times, its browsers, the demands it can meet."""

from __future__ import annotations

from .model import MAX_GRANT_BROWSERS, Account
from .policy import Demand

BREAK_GLASS = "break-glass"
"""The name of the rule in a decision that a grant has made."""
FRESHNESS = "freshness"
HOUR = 3600
DEFAULT_HOURS = 4
MAX_HOURS = 11
CONFIRM_WITHIN = HOUR


def is_waiting(account: Account, now: int) -> bool:
    """Tell if a request for a grant can be confirmed now.

    It can for an hour after it was asked, unless the account was locked or all proofs were ended since.
    """
    grant = account.grant
    if grant is None or grant.ends_at or account.lock is not None or grant.epoch != account.epoch:
        return False
    return max(now, account.seen_at) - grant.asked_at < CONFIRM_WITHIN


def is_in_force(account: Account, now: int) -> bool:
    """Tell if the grant counts now.

    A lock of any cause, a reset, or "this was not me" ends it at once.
    """
    grant = account.grant
    if grant is None or account.lock is not None or grant.epoch != account.epoch:
        return False
    return max(now, account.seen_at) < grant.ends_at


def grant_mark(session_key: str, network: str) -> str:
    """Return the mark by which a grant recognizes a browser.

    It is the host's sign-in session, else the browser's handle (both from ``skip_key``), else its network.
    """
    return session_key if session_key != "b:" else f"n:{network}"


def may_stand_in(demands: tuple[Demand, ...]) -> bool:
    """Tell if a grant may take the place of a proof for ``demands``.

    It may only where a fresh proof of any kind is enough. It never meets a rule that asks for more.
    """
    only = demands[0] if len(demands) == 1 else None
    return only is not None and only.rule == FRESHNESS and not only.is_strong


def has_room(account: Account, mark: str) -> bool:
    """Tell if this browser has used the grant already, or there is room for one more browser."""
    used = account.grant.browsers if account.grant else ()
    return len(used) < MAX_GRANT_BROWSERS or is_known(account, mark)


def is_known(account: Account, mark: str) -> bool:
    """Tell if it is written down that this browser uses the grant."""
    return account.grant is not None and any(name == mark for name, _ in account.grant.browsers)
