"""The account: everything about one subject.

Every decision reads this bounded aggregate, and every change rewrites it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .authenticator import Authenticator, Challenge, Enrollment
from .leave import Acceptance, Grant, Leave, Recovery, Ticket
from .proofs import Attempts, Browser, Lock, Sent
from .subject import SubjectKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Everything about one subject in one value.

    An unknown subject is an empty account at version zero.

    ``version`` is the store's swap stamp. ``stamp`` tells this version from another one of the same number, which comes to
    be where a store has lost its latest changes; only the store reads it. ``epoch`` ends all proofs made under a smaller
    one. ``seen_at`` is the latest time at which this account was changed: a clock that steps back revives nothing.
    ``quiet_until`` is until when nobody's phone is asked, because a request was denied there. ``logins`` are the latest
    sign-ins at an identity provider that became proofs (when they were, and when they were first seen); none up to
    ``logins_from`` ever will. ``restored_at`` is when the store was last replaced by an older copy: what was used before
    is not known. ``replaced`` are drafts in whose place the same browser has begun another: their codes are told apart
    from wrong ones. ``uncounted`` are the refusals of the last hour that cost no attempt (in which browser that has proven
    something, "" for all others, and when), ``drifted`` the codes of a clock that is off that were recognized (which, and
    when). ``sign_outs`` are the latest sign-outs of the host (of which session or browser, and when): open connections of
    such a sign-in end, on every worker.
    """

    key: SubjectKey
    version: int = 0
    epoch: int = 0
    seen_at: int = 0
    attempts: Attempts = Attempts()
    lock: Lock | None = None
    authenticators: tuple[Authenticator, ...] = ()
    default: str = ""
    challenges: tuple[Challenge, ...] = ()
    enrollments: tuple[Enrollment, ...] = ()
    browsers: tuple[Browser, ...] = ()
    skips: tuple[tuple[str, int], ...] = ()
    skip_count: int = 0
    leave: Leave | None = None
    sent: tuple[Sent, ...] = ()
    ticket: Ticket | None = None
    acceptances: tuple[Acceptance, ...] = ()
    recovery: Recovery | None = None
    grant: Grant | None = None
    frozen_until: int = 0
    quiet_until: int = 0
    handle: str = ""
    name: str = ""
    logins: tuple[tuple[int, int], ...] = ()
    logins_from: int = 0
    restored_at: int = 0
    stamp: str = field(default="", compare=False, repr=False)
    replaced: tuple[Enrollment, ...] = ()
    uncounted: tuple[tuple[str, int], ...] = ()
    drifted: tuple[tuple[str, int], ...] = ()
    sign_outs: tuple[tuple[str, int], ...] = ()

    def authenticator(self, id: str) -> Authenticator | None:
        """The confirmed authenticator with this id, if it is this subject's."""
        return next((a for a in self.authenticators if a.id == id), None)

    def browser(self, handle: str) -> Browser | None:
        """The browser whose current handle has this digest."""
        return next((b for b in self.browsers if b.handle == handle), None) if handle else None
