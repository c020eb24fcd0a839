"""When a break-glass grant counts, for whom, and in place of what."""

from __future__ import annotations

from .model import MAX_GRANT_BROWSERS, Account
from .policy import Demand

BREAK_GLASS = "break-glass"
"""The rule by which a decision names a grant."""
FRESHNESS = "freshness"
HOUR = 3600
DEFAULT_HOURS = 4
MAX_HOURS = 11
CONFIRM_WITHIN = HOUR


def is_waiting(account: Account, now: int) -> bool:
    """Whether a request for a grant can be confirmed now: within the hour, and nothing has ended all proofs since."""
    grant = account.grant
    if grant is None or grant.ends_at or account.lock is not None or grant.epoch != account.epoch:
        return False
    return max(now, account.seen_at) - grant.asked_at < CONFIRM_WITHIN


def is_in_force(account: Account, now: int) -> bool:
    """Whether the grant counts now. A lock of any cause, a reset, or "this was not me" ends it at once."""
    grant = account.grant
    if grant is None or account.lock is not None or grant.epoch != account.epoch:
        return False
    return max(now, account.seen_at) < grant.ends_at


def grant_mark(session_key: str, network: str) -> str:
    """What a browser that uses a grant is known by: the host's sign-in session, else its handle (``skip_key``), else where
    it comes from."""
    return session_key if session_key != "b:" else f"n:{network}"


def may_stand_in(demands: tuple[Demand, ...]) -> bool:
    """A grant stands in for a fresh proof of any kind and for nothing else: no rule that asks for more is ever met by it."""
    only = demands[0] if len(demands) == 1 else None
    return only is not None and only.rule == FRESHNESS and not only.is_strong


def has_room(account: Account, mark: str) -> bool:
    """Whether this browser has used the grant already, or is one of the few that still may."""
    used = account.grant.browsers if account.grant else ()
    return len(used) < MAX_GRANT_BROWSERS or is_known(account, mark)


def is_known(account: Account, mark: str) -> bool:
    """Whether it is written down that this browser uses the grant."""
    return account.grant is not None and any(name == mark for name, _ in account.grant.browsers)
