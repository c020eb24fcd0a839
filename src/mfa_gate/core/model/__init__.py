"""The records about one subject, and about the caller.

Import from here: the files inside are its parts.
"""

from __future__ import annotations

from .account import Account, replace
from .authenticator import FAR, Authenticator, Challenge, Enrollment
from .bounds import (
    MAX_ACCEPTANCES,
    MAX_AUTHENTICATOR_BYTES,
    MAX_AUTHENTICATORS,
    MAX_BROWSERS,
    MAX_BYTES,
    MAX_CLIENTS,
    MAX_CODES,
    MAX_ENROLLMENTS,
    MAX_ENROLLMENTS_OF_ALL,
    MAX_FREE_SENDS,
    MAX_GRANT_BROWSERS,
    MAX_LOGINS,
    MAX_OTHER_CHALLENGES,
    MAX_OTHERS_OF_ALL,
    MAX_PROOFS_PER_NETWORK,
    MAX_SIGN_OUTS,
    MAX_SKIPS,
    MAX_UNCOUNTED,
)
from .leave import Acceptance, Asked, Grant, Leave, Recovery, Ticket
from .proofs import Attempts, Browser, Lock, Proof, Sent, Twin
from .subject import MAX_ID_BYTES, NOTHING_ON_FILE, Caller, Contacts, Subject, SubjectKey, Upstream
from .values import Fields, Seconds

__all__ = [
    "FAR",
    "MAX_ACCEPTANCES",
    "MAX_AUTHENTICATORS",
    "MAX_AUTHENTICATOR_BYTES",
    "MAX_BROWSERS",
    "MAX_BYTES",
    "MAX_CLIENTS",
    "MAX_CODES",
    "MAX_ENROLLMENTS",
    "MAX_ENROLLMENTS_OF_ALL",
    "MAX_FREE_SENDS",
    "MAX_GRANT_BROWSERS",
    "MAX_ID_BYTES",
    "MAX_LOGINS",
    "MAX_OTHERS_OF_ALL",
    "MAX_OTHER_CHALLENGES",
    "MAX_PROOFS_PER_NETWORK",
    "MAX_SIGN_OUTS",
    "MAX_SKIPS",
    "MAX_UNCOUNTED",
    "NOTHING_ON_FILE",
    "Acceptance",
    "Account",
    "Asked",
    "Attempts",
    "Authenticator",
    "Browser",
    "Caller",
    "Challenge",
    "Contacts",
    "Enrollment",
    "Fields",
    "Grant",
    "Leave",
    "Lock",
    "Proof",
    "Recovery",
    "Seconds",
    "Sent",
    "Subject",
    "SubjectKey",
    "Ticket",
    "Twin",
    "Upstream",
    "replace",
]
