"""NIST SP 800-63B-4 (July 2025), authentication assurance level 2.

The numbers are those of the final text.
"""

from __future__ import annotations

from ....core.rules import DAY
from . import bypass_checks as bypass
from . import limit_checks as limits
from .clause import Clause

NIST = "SP 800-63B-4"

NIST_AAL2 = (
    Clause(
        number=f"{NIST} 2.2",
        met="everybody proves a second factor besides the password, now and everywhere",
        checks=bypass.EVERYBODY,
    ),
    Clause(
        number=f"{NIST} 2.2.2",
        met="a phishing-resistant factor is offered",
        checks=(limits.no_phishing_resistance,),
    ),
    Clause(
        number=f"{NIST} 2.2.3",
        met="a proof ends after 24 hours or less, as is recommended",
        checks=(limits.max_age_over(DAY, "the 24 hours that AAL2 recommends"),),
    ),
    Clause(number=f"{NIST} 3.1.2.2", met="look-up secrets are not used, or are stored as the clause asks"),
    Clause(
        number=f"{NIST} 3.1.3.1", met="nothing goes by e-mail or is confirmed by a mere yes", checks=(limits.email,)
    ),
    Clause(
        number=f"{NIST} 3.1.3.2",
        met="codes that are sent live for ten minutes or less and have six digits or more",
        checks=(limits.long_codes,),
    ),
    Clause(
        number=f"{NIST} 3.1.3.3",
        met="whoever cannot be reached by telephone has another factor to choose",
        checks=(limits.phones_alone,),
    ),
    Clause(number=f"{NIST} 3.1.4.1", met="codes of apps have six digits or more and change within two minutes"),
    Clause(
        number=f"{NIST} 3.2.2",
        met="wrong answers in a row are limited to 100 or less, and a new code gives none back",
        checks=(limits.attempts_over(100),),
    ),
    Clause(number=f"{NIST} 3.2.7", met="every code and challenge is taken once only"),
    Clause(number=f"{NIST} 3.2.9", met="no restricted authenticator is offered", checks=(limits.phones,)),
    Clause(
        number=f"{NIST} 4.1.2.1",
        met="binding a factor asks for more than the password, and for the strength that is there",
        checks=(limits.open_enrollment,),
    ),
    Clause(
        number=f"{NIST} 4.2.1",
        met="a request for help waits, so that the person can stop it; the check of the person is yours",
        checks=(limits.hasty_recovery,),
    ),
    Clause(number=f"{NIST} 4.5", met="a removed factor and a lock end proofs at once", checks=(bypass.outage_grace,)),
    Clause(
        number=f"{NIST} 5.1",
        met="a proof ends with the sign-in; no browser is remembered in place of a factor",
        checks=(bypass.remembered_browsers,),
    ),
)
