"""The proofs of a browser, the attempts, and the messages sent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One success: the authenticator, the network and the time.

    ``session`` is set when it ends with the host's session.
    """

    factor: str
    authenticator: str
    at: int
    network: str
    epoch: int
    phishing_resistant: bool = False
    user_verified: bool = False
    session: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """The answer of a browser's last success.

    A form that is sent twice finds the result by it, and costs no attempt.
    """

    answer: str
    handle: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """A browser (or native client) that has proven something.

    ``handle`` is the digest of its current cookie value.
    """

    id: str
    handle: str
    label: str
    created_at: int
    proofs: tuple[Proof, ...] = ()
    last_used_at: int = 0
    twin: Twin | None = None
    last_factor: str = ""
    kind: str = "browser"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """The budget of attempts.

    ``used`` counts since the last success. ``series`` rises with each reset. ``days`` counts failures a UTC day.
    """

    used: int = 0
    series: int = 0
    charged_at: int = 0
    days: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The lock of an account: no answer is compared, and nothing is sent.

    Its cause is ``attempts``, ``rolling`` or ``administrator``. It has no end of its own.
    """

    at: int
    cause: str
    ref: str
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One send of a code, for the limits: the factor and the time.

    ``free``: it cost nothing, and the day's count leaves it out. ``mark`` is the account's mark, if it was ahead of the
    clock, else 0.
    """

    factor: str
    at: int
    free: bool = False
    mark: int = 0
