"""Limits of requests that send nothing and cost no attempt: passkey challenges and drafts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ..core.changes.bounds import known_handles
from ..core.model import MAX_ENROLLMENTS_OF_ALL, MAX_OTHERS_OF_ALL, Account, Caller
from ..core.reasons import Refusal
from ..storage import Limits, Take


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimit:
    """Limits of one kind of request: of a browser, of a network, of all strangers.

    They count requests in ``window`` seconds. A stranger is a browser that has shown the password and no more, and
    has nothing here that waits. All strangers together get fewer requests than an account has room for, so that they
    never push out a challenge or draft of another browser. Those of one network get half of that, so that they do not
    shut out others.
    """

    name: str
    window: int
    of_browser: int
    of_network: int
    of_strangers: int


CHALLENGES = RequestLimit(
    name="challenge", window=600, of_browser=60, of_network=MAX_OTHERS_OF_ALL // 2, of_strangers=MAX_OTHERS_OF_ALL - 1
)
DRAFTS = RequestLimit(
    name="draft",
    window=1800,
    of_browser=30,
    of_network=MAX_ENROLLMENTS_OF_ALL // 2,
    of_strangers=MAX_ENROLLMENTS_OF_ALL - 1,
)


async def too_many(
    limits: Limits, caller: Caller, account: Account, limit: RequestLimit, *, now: int
) -> Refusal | None:
    """Count one request, or refuse it with ``too_soon``.

    It is no attempt. A known browser has its own count, so the requests of others never block it.
    """
    if caller.handle in known_handles(account) or _waits(account, caller.handle, now):
        buckets = {_bucket(limit, caller, "b", caller.handle): limit.of_browser}
    else:
        buckets = {
            _bucket(limit, caller): limit.of_strangers,
            _bucket(limit, caller, "n", caller.network): limit.of_network,
        }
    takes = [Take(bucket=name, limit=count, window=limit.window, at=now) for name, count in buckets.items()]
    taken = await limits.take_all(takes)
    return Refusal(reason="too_soon", retry_after=taken.wait) if taken.wait else None


def _bucket(limit: RequestLimit, caller: Caller, *parts: str) -> str:
    """Name a counter, without id and address: a store keeps nothing of a forgotten person."""
    named = "\0".join((caller.subject.tenant, caller.subject.id, *parts)).encode("utf-8", "surrogatepass")
    return f"{limit.name}:{hashlib.blake2b(named, digest_size=16).hexdigest()}"


def _waits(account: Account, handle: str, now: int) -> bool:
    drafts = any(e.browser == handle and now < e.expires_at for e in account.enrollments)
    return bool(handle) and (drafts or any(c.browser == handle and c.is_live(now) for c in account.challenges))
