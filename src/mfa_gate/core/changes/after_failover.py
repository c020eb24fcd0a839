"""Repair of an account after its store lost confirmed changes (F-3).

That happens at a failover to a primary that never had them.
"""

from __future__ import annotations

from dataclasses import replace

from ..model import Account, Attempts, Authenticator
from ..rules import TenantSettings
from .after_restore import after_restore
from .tenant_end import joined_end


def regained(stored: Account, confirmed: Account, *, untouched: bool) -> Account:
    """Return the account to go on with, where the store once confirmed ``confirmed``.

    ``untouched``: nobody has changed ``stored`` since, so the result is ``confirmed``. Otherwise the result is
    ``stored``, trusted as little as an old copy. The stricter of both values holds: no earlier code, step or proof
    counts, the higher count of attempts counts, a lock stays, and an authenticator that was removed stays removed.
    """
    if untouched:
        return replace(confirmed, version=stored.version, stamp=stored.stamp)
    at = max(stored.seen_at, confirmed.seen_at)
    kept = _kept(stored, confirmed)
    return replace(
        after_restore(replace(stored, restored_at=0), max(confirmed.seen_at, stored.restored_at, 1)),
        epoch=max(stored.epoch, confirmed.epoch) + 1,
        seen_at=at,
        attempts=_stricter(stored.attempts, confirmed.attempts),
        lock=stored.lock or confirmed.lock,
        authenticators=kept,
        default=stored.default if any(mine.id == stored.default for mine in kept) else "",
        sent=max(stored.sent, confirmed.sent, key=len),
        uncounted=max(stored.uncounted, confirmed.uncounted, key=len),
        drifted=max(stored.drifted, confirmed.drifted, key=len),
        grant=None,
        frozen_until=max(stored.frozen_until, confirmed.frozen_until),
        undo_by=tuple(one for one in stored.undo_by if one in confirmed.undo_by),
        quiet_until=max(stored.quiet_until, confirmed.quiet_until),
        skip_count=max(stored.skip_count, confirmed.skip_count),
        logins_from=max(stored.logins_from, confirmed.logins_from, at),
    )


def _kept(stored: Account, confirmed: Account) -> tuple[Authenticator, ...]:
    """Return the authenticators of ``stored`` without the removed ones, with the lost ones.

    No lost one is added if the account was reset since.
    """
    had = {mine.id for mine in confirmed.authenticators}
    kept = [mine for mine in stored.authenticators if mine.id in had or mine.created_at > confirmed.seen_at]
    if stored.epoch <= confirmed.epoch:
        known = {mine.id for mine in stored.authenticators}
        kept += [mine for mine in confirmed.authenticators if mine.id not in known]
    return tuple(kept)


def regained_settings(stored: TenantSettings, confirmed: TenantSettings, *, untouched: bool) -> TenantSettings:
    """Return the settings to go on with, as ``regained`` does for an account.

    A tenant that was turned on stays on, and proofs that were ended stay ended. Of tokens for
    automation those are left that both had.
    """
    if untouched:
        return replace(confirmed, version=stored.version, stamp=stored.stamp)
    epoch, ended_at = joined_end(stored, confirmed)
    return replace(
        stored,
        enabled_at=stored.enabled_at or confirmed.enabled_at,
        factors=stored.factors or confirmed.factors,
        announced_at=stored.announced_at or confirmed.announced_at,
        tested_at=stored.tested_at or confirmed.tested_at,
        epoch=epoch,
        ended_at=ended_at,
        tokens=tuple(row for row in stored.tokens if row in confirmed.tokens),
    )


def _stricter(one: Attempts, other: Attempts) -> Attempts:
    days = dict(one.days)
    for day, count in other.days:
        days[day] = max(count, days.get(day, 0))
    return Attempts(
        used=max(one.used, other.used),
        series=max(one.series, other.series) + 1,
        charged_at=max(one.charged_at, other.charged_at),
        days=tuple(sorted(days.items())),
    )
