"""The bounds of one account, so that it stays one small document."""

from __future__ import annotations

MAX_AUTHENTICATORS = 20
MAX_CODES = 10
MAX_OTHER_CHALLENGES = 6
MAX_OTHERS_OF_ALL = 12
MAX_ENROLLMENTS = 3
MAX_ENROLLMENTS_OF_ALL = 8
"""A bound ``OF_ALL`` counts over all browsers together. It stands beside a bound for each browser."""
MAX_BROWSERS = 10
MAX_CLIENTS = 4
"""The number of kept browsers that may be clients without cookies, when there is no room for all."""
MAX_SIGN_OUTS = 32
MAX_PROOFS_PER_NETWORK = 3
MAX_SKIPS = 20
MAX_FREE_SENDS = 40
MAX_ACCEPTANCES = 5
MAX_GRANT_BROWSERS = 5
MAX_LOGINS = 10
MAX_UNCOUNTED = 40
MAX_BYTES = 16_000
"""The most bytes of an encoded account. If there are more, ended challenges and the oldest browsers are dropped."""
MAX_AUTHENTICATOR_BYTES = 12_000
"""The most bytes of an account with only its authenticators. One more that would need more is refused."""
