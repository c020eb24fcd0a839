"""The arithmetic of the budget of wrong answers.

There is one counter for each subject, and a rolling counter that a success does not reset.
"""

from __future__ import annotations

from .model import Attempts, replace
from .rules import DAY, AttemptRules


def remaining(attempts: Attempts, rules: AttemptRules) -> int:
    """Return the number of answers that may still be compared before the account is locked."""
    return max(0, rules.max - attempts.used)


def failures_in_window(attempts: Attempts, rules: AttemptRules, now: int) -> int:
    """Count the failures in the rolling window, in whole UTC days, the oldest day included."""
    first = (now - rules.rolling.window) // DAY
    return sum(count for day, count in attempts.days if day >= first)


def is_spent(attempts: Attempts, rules: AttemptRules) -> bool:
    """Tell if every attempt is taken, so that nothing may be compared."""
    return attempts.used >= rules.max


def charged(attempts: Attempts, now: int) -> Attempts:
    """Take one attempt, before anything is compared."""
    return replace(attempts, used=attempts.used + 1, charged_at=now)


def refunded(attempts: Attempts, series: int) -> Attempts:
    """Give an attempt back, because the answer was no guess.

    Nothing is given back if the counter was reset since: the attempt's ``series`` is over then.
    """
    return replace(attempts, used=attempts.used - 1) if attempts.series == series and attempts.used else attempts


def failed(attempts: Attempts, rules: AttemptRules, now: int) -> Attempts:
    """Add a failure to the rolling count. The attempt itself was charged before."""
    today = now // DAY
    first = (now - rules.rolling.window) // DAY
    days = {day: count for day, count in attempts.days if day >= first}
    days[today] = days.get(today, 0) + 1
    return replace(attempts, days=tuple(sorted(days.items())))


def reset(attempts: Attempts) -> Attempts:
    """Give all attempts back, but keep the rolling count.

    So an owner's successes give an attacker no fresh guesses.
    """
    return replace(attempts, used=0, series=attempts.series + 1)


def forgiven(attempts: Attempts) -> Attempts:
    """Give all attempts back and empty the rolling count, because an administrator unlocked."""
    return Attempts(series=attempts.series + 1)
