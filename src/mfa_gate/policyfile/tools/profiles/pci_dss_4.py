"""PCI DSS 4.0.1: the requirements on a second factor, its records and its limits."""

from __future__ import annotations

from ....core.rules import DAY
from . import bypass_checks as bypass
from . import limit_checks as limits
from .clause import Clause

PCI = "PCI DSS 4.0.1"

PCI_DSS_4 = (
    Clause(number=f"{PCI} 8.2.1", met="each person has one account over all applications"),
    Clause(
        number=f"{PCI} 8.3.3",
        met="the person is verified before a factor is bound or replaced",
        checks=(limits.open_enrollment, limits.hasty_recovery),
    ),
    Clause(
        number=f"{PCI} 8.3.4",
        met="the account is locked after ten wrong answers or less, until an administrator unlocks it",
        checks=(limits.attempts_over(10),),
    ),
    Clause(
        number=f"{PCI} 8.4.2",
        met="every access needs a second factor, at each sign-in",
        checks=(bypass.in_force, bypass.watched_rules, bypass.exempt_paths, bypass.remembered_browsers),
    ),
    Clause(
        number=f"{PCI} 8.5.1",
        met="nobody gets past the second factor, but by an exception with its reason and its end; nothing is replayed",
        checks=(bypass.lasting_exemptions, bypass.trusted_sign_ins, bypass.outage_grace),
    ),
    Clause(number=f"{PCI} 10.2.1.4", met="failed attempts are in the trail"),
    Clause(number=f"{PCI} 10.2.1.5", met="bound, changed and removed factors are in the trail"),
    Clause(number=f"{PCI} 10.3.4", met="the trail shows alterations"),
    Clause(
        number=f"{PCI} 10.5.1",
        met="the trail is kept for twelve months or longer",
        checks=(limits.retention_under(365 * DAY, "twelve months"),),
    ),
)
