"""The budget of wrong answers, as arithmetic: one counter a subject, and a rolling one that success does not refill."""

from __future__ import annotations

from .model import Attempts, replace
from .rules import DAY, AttemptRules


def remaining(attempts: Attempts, rules: AttemptRules) -> int:
    """How many answers may still be compared before the account is locked."""
    return max(0, rules.max - attempts.used)


def failures_in_window(attempts: Attempts, rules: AttemptRules, now: int) -> int:
    """Failures within the rolling window, counted in whole UTC days, the oldest day included."""
    first = (now - rules.rolling.window) // DAY
    return sum(count for day, count in attempts.days if day >= first)


def is_spent(attempts: Attempts, rules: AttemptRules) -> bool:
    """Whether every attempt is taken: nothing may be compared."""
    return attempts.used >= rules.max


def charged(attempts: Attempts, now: int) -> Attempts:
    """One attempt taken, before anything is compared."""
    return replace(attempts, used=attempts.used + 1, charged_at=now)


def refunded(attempts: Attempts, series: int) -> Attempts:
    """The attempt given back, because what it was taken for was no guess; not when a success has reset the counter since."""
    return replace(attempts, used=attempts.used - 1) if attempts.series == series and attempts.used else attempts


def failed(attempts: Attempts, rules: AttemptRules, now: int) -> Attempts:
    """A failure written into the rolling count; the attempt itself was charged before."""
    today = now // DAY
    first = (now - rules.rolling.window) // DAY
    days = {day: count for day, count in attempts.days if day >= first}
    days[today] = days.get(today, 0) + 1
    return replace(attempts, days=tuple(sorted(days.items())))


def reset(attempts: Attempts) -> Attempts:
    """All attempts back. The rolling count stays: an owner's successes do not feed an attacker fresh guesses."""
    return replace(attempts, used=0, series=attempts.series + 1)


def forgiven(attempts: Attempts) -> Attempts:
    """All attempts back and the rolling count emptied: an administrator unlocked, and answers for it."""
    return Attempts(series=attempts.series + 1)
