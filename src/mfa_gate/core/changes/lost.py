"""What an account must be again after its store forgot confirmed changes: a failover to a primary that never had them (F-3)."""

from __future__ import annotations

from dataclasses import replace

from ..model import Account, Attempts
from .restored import after_restore


def regained(stored: Account, confirmed: Account) -> Account:
    """The account to go on with, at the version of ``stored``, where ``confirmed`` is what the store once said it has.

    What only went back is what was confirmed. What was changed by others since is taken as they left it, but no more
    is owed to it than to an old copy: no code, step or proof of before counts, the higher count of attempts does, and a
    lock stays.
    """
    if stored.version < confirmed.version and stored.seen_at <= confirmed.seen_at:
        return replace(confirmed, version=stored.version)
    return replace(
        after_restore(stored, confirmed.seen_at),
        seen_at=max(stored.seen_at, confirmed.seen_at),
        epoch=max(stored.epoch, confirmed.epoch) + 1,
        attempts=_stricter(stored.attempts, confirmed.attempts),
        lock=stored.lock or confirmed.lock,
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
