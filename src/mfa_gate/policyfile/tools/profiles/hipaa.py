"""HIPAA security rule (45 CFR 164): the safeguards to which a second factor belongs.

The rule names no second factor. It asks to verify the person, and a risk analysis says how.
"""

from __future__ import annotations

from ....core.rules import DAY
from . import bypass_checks as bypass
from . import limit_checks as limits
from .clause import Clause

CFR = "45 CFR"
SIX_YEARS = 6 * 365 * DAY

HIPAA = (
    Clause(
        number=f"{CFR} 164.308(a)(3)(ii)(C)",
        met="a lock or a revocation ends access at once",
        checks=(bypass.outage_grace,),
    ),
    Clause(
        number=f"{CFR} 164.308(a)(4)(ii)(C)",
        met="a changed way in waits until the person can stop it",
        checks=(limits.hasty_recovery, limits.open_enrollment),
    ),
    Clause(
        number=f"{CFR} 164.308(a)(5)(ii)(C)", met="failed attempts are recorded, limited and told to administrators"
    ),
    Clause(number=f"{CFR} 164.312(a)(2)(i)", met="each person has one account over all applications"),
    Clause(
        number=f"{CFR} 164.312(a)(2)(ii)",
        met="two administrators can let a person in for some hours, and all of it is recorded",
        checks=(limits.no_unlocker,),
    ),
    Clause(number=f"{CFR} 164.312(b)", met="every decision about a factor stands in a trail that shows alterations"),
    Clause(
        number=f"{CFR} 164.312(d)",
        met="everybody is verified by a second factor, now and everywhere",
        checks=bypass.EVERYBODY,
    ),
    Clause(
        number=f"{CFR} 164.316(b)(2)(i)",
        met="the trail is kept for six years or longer",
        checks=(limits.retention_under(SIX_YEARS, "the six years that documentation is kept"),),
    ),
)
