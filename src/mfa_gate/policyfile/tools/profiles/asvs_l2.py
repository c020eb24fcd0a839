"""OWASP ASVS 5.0 (May 2025), level 2: the requirements on a second factor."""

from __future__ import annotations

from . import bypass_checks as bypass
from . import limit_checks as limits
from .clause import Clause

ASVS = "ASVS 5.0"

ASVS_L2 = (
    Clause(
        number=f"{ASVS} 6.3.1",
        met="wrong answers are limited over all applications",
        checks=(limits.attempts_over(100),),
    ),
    Clause(
        number=f"{ASVS} 6.3.3",
        met="everybody proves a second factor",
        checks=(bypass.in_force, bypass.exempt_people),
    ),
    Clause(
        number=f"{ASVS} 6.3.4",
        met="the same strength is enforced on every path",
        checks=(bypass.exempt_paths, bypass.watched_rules, bypass.trusted_sign_ins),
    ),
    Clause(
        number=f"{ASVS} 6.4.4",
        met="a lost factor is replaced after a check of the person, and a wait",
        checks=(limits.open_enrollment, limits.hasty_recovery),
    ),
    Clause(number=f"{ASVS} 6.5.1", met="every code and challenge is taken once only"),
    Clause(number=f"{ASVS} 6.5.2", met="look-up secrets are not used, or are stored as the clause asks"),
    Clause(number=f"{ASVS} 6.5.3", met="codes and secrets come from the system's random source"),
    Clause(number=f"{ASVS} 6.5.4", met="codes have 20 bits or more: six digits, or ten characters"),
    Clause(
        number=f"{ASVS} 6.5.5",
        met="codes that are sent live for ten minutes or less, those of apps for 30 seconds",
        checks=(limits.long_codes,),
    ),
    Clause(
        number=f"{ASVS} 6.6.1",
        met="the telephone is not offered, or beside a stronger factor",
        checks=(limits.phones_alone,),
    ),
    Clause(number=f"{ASVS} 6.6.2", met="an answer counts only for the challenge and the browser that asked"),
    Clause(number=f"{ASVS} 6.6.3", met="guesses of a code are limited, also over new codes"),
    Clause(number=f"{ASVS} 16.5.3", met="nothing passes while it cannot be checked", checks=(bypass.outage_grace,)),
)
