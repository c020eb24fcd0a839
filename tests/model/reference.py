"""A simple account of who may pass, to compare the gate with.

It knows no store, no cookie and no cache. Each rule of the gate stands in it once, in the plainest form. All times are
UTC seconds, all durations seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .terms import DAY, Code, Grant, Held, Terms, Waiting

HOUR = 3600
FREE = 20
"""Refusals without cost in an hour."""
FREE_KEPT = 40
"""Refusals without cost that an account remembers."""
CHANGES = 300
"""The age of a proof up to which it lets its owner change factors."""
ATTEMPTS = 7
"""Wrong answers that lock an account."""
ROLLING = 50
"""Wrong answers within ``ROLLING_DAYS`` that lock, whatever was right between them."""
ROLLING_DAYS = 30
FAR = 60
"""The distance at which a time is so far ahead of the clock that a wrong clock must have set it."""
STEP = 30
"""The time of one code of an authenticator app."""
STEPS_AHEAD = 10
"""Steps by which the last code may be ahead of a clock that still judges codes."""
NETWORKS = 5
"""Networks on which one browser may hold a proof."""
BROWSERS = 10
"""Browsers that an account holds. A crowd of them is not told here."""
FREEZE = DAY
"""The time for which nobody changes factors after "this was not me"."""


@dataclass
class Person:
    """One person as the reference knows them.

    ``backup`` and ``used`` are the backup codes that are left, and those that were used. ``browsers`` are the confirmed
    browsers by the mark of their cookie. ``step`` is the last accepted step of the authenticator app, ``free`` the refusals
    without cost with the mark of their browser, ``seen_at`` the latest time of a change. ``leave`` is the cookie of the
    browser that may enroll, and since when, ``copied`` has those of the right answers, and their times. ``is_blank`` says that the
    person was forgotten, and nothing came since that stays longer than a ticket.
    """

    is_known: bool = False
    is_blank: bool = False
    factors: set[str] = field(default_factory=set)
    secret: str = ""
    backup: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    step: int = 0
    failures: int = 0
    wrong_at: list[int] = field(default_factory=list)
    lock: str = ""
    free: list[tuple[int, int]] = field(default_factory=list)
    seen_at: int = 0
    browsers: dict[int, Held] = field(default_factory=dict)
    sends: list[tuple[str, int]] = field(default_factory=list)
    codes: list[Code] = field(default_factory=list)
    spent: list[Code] = field(default_factory=list)
    grant: Grant | None = None
    waiting: Waiting | None = None
    frozen_until: int = 0
    ticket: tuple[str, int] = ("", 0)
    leave: tuple[str, int] = ("", 0)
    skips: set[str] = field(default_factory=set)
    copied: dict[str, int] = field(default_factory=dict)

    # -- who may pass --------------------------------------------------------------------------------------------------

    @property
    def exists(self) -> bool:
        """Tell if the gate knows somebody here."""
        is_over = self.ticket[1] <= self.seen_at and self.grant is None and not self.lock
        return self.is_known and not (self.is_blank and is_over)

    @property
    def enrolled(self) -> bool:
        """Tell if the person has a factor."""
        return bool(self.factors)

    def now(self, clock: int) -> int:
        """Return the time that counts: a clock that steps back revives nothing."""
        return max(clock, self.seen_at)

    def proven(self, mark: int, network: str, clock: int, terms: Terms, *, within: int = 0) -> bool:
        """Tell if the browser with ``mark`` has a proof on ``network`` that is young enough."""
        held = self.browsers.get(mark, Held())
        here = [at for where, at in held.proofs.items() if where == network or terms.any_network]
        return self.enrolled and any(self.now(clock) - at < (within or terms.max_age) for at in here)

    def passes(self, mark: int, network: str, clock: int, terms: Terms, session: str) -> bool:
        """Tell if a request passes."""
        proven = self.proven(mark, network, clock, terms)
        if self.lock and (not proven or terms.lock_ends or self.lock == "administrator"):
            return False
        if proven or self.is_let_in(clock, session):
            return True
        return not self.enrolled and terms.optional and session in self.skips

    def is_let_in(self, clock: int, session: str) -> bool:
        """Tell if a break-glass grant lets the session pass."""
        grant = self.grant
        if grant is None or self.lock or self.now(clock) >= grant.until:
            return False
        return session in grant.sessions or len(grant.sessions) < 5

    def may_enroll(self, mark: int, cookie: str, network: str, clock: int, terms: Terms) -> bool:
        """Tell if a factor may be added now."""
        if self.lock or clock < self.frozen_until:
            return False
        if self.enrolled:
            return self.proven(mark, network, clock, terms, within=min(CHANGES, terms.max_age))
        has_leave = bool(cookie) and cookie == self.leave[0] and self.now(clock) - self.leave[1] < 900
        return terms.first == "open" or has_leave

    # -- answers -------------------------------------------------------------------------------------------------------

    def touch(self, clock: int, *, stays: bool = True) -> None:
        """Note that something was written.

        ``stays``: it leaves more than what ends one day, as a ticket does.
        """
        self.is_known, self.seen_at = True, self.now(clock)
        self.is_blank = self.is_blank and not stays

    def succeed(self, mark: int, new: int, network: str, clock: int) -> None:
        """Note a right answer: the proof, its browser's new mark, and all attempts given back."""
        self.touch(clock)
        held = self.browsers.pop(mark, Held())
        held.proofs = {where: at for where, at in held.proofs.items() if where != network}
        while len(held.proofs) >= NETWORKS:
            held.proofs.pop(min(held.proofs, key=held.proofs.__getitem__))
        held.proofs[network] = self.seen_at
        self.browsers[new] = held
        self.failures = 0
        self.end_codes()

    def enroll(self, kind: str) -> None:
        """Note a new factor. What opened a first enrollment is used up."""
        self.factors.add(kind)
        self.skips.clear()
        self.ticket, self.leave = ("", 0), ("", 0)

    def fail(self, clock: int, terms: Terms) -> None:
        """Note a wrong answer, and the lock that it may bring."""
        self.touch(clock)
        self.failures += 1
        self.wrong_at.append(self.seen_at)
        first = (self.seen_at - ROLLING_DAYS * DAY) // DAY
        if self.failures >= ATTEMPTS or sum(at // DAY >= first for at in self.wrong_at) >= ROLLING:
            self.lock = "attempts"
            self.end_codes()
            if terms.lock_ends:
                self.drop_proofs()

    def must_wait(self, mark: int, clock: int) -> bool:
        """Tell if the browser has used up the refusals without cost.

        All new browsers share one budget.
        """
        place = mark if mark in self.browsers else 0
        return sum(where == place and 0 <= clock - at < HOUR for where, at in self.free) >= FREE

    def refuse(self, mark: int, clock: int) -> None:
        """Note an answer that was no guess, and cost nothing."""
        self.touch(clock)
        recent = [(where, at) for where, at in self.free if 0 <= clock - at < HOUR]
        self.free = [*recent, (mark if mark in self.browsers else 0, clock)][-FREE_KEPT:]

    def is_fresh(self, step: int, clock: int) -> bool:
        """Tell if a code of the app for ``step`` is good now."""
        return abs(clock // STEP - step) <= 1 and step > self.step

    def is_far_ahead(self, clock: int) -> bool:
        """Tell if the app's last code is too far ahead of a clock for any code to be judged."""
        return self.step > clock // STEP + STEPS_AHEAD

    def must_not_send(self, kind: str, clock: int) -> bool:
        """Tell if the next message with ``kind`` comes too soon.

        There are 30 s between two, five an hour, and ten a day over all kinds.
        """
        now = self.now(clock)
        mine = [at for which, at in self.sends if which == kind]
        hour, day = [at for at in mine if now - at < HOUR], [at for _, at in self.sends if now - at < DAY]
        return bool(mine and now - mine[-1] < 30) or len(hour) >= 5 or len(day) >= 10

    def end_codes(self) -> None:
        """Note that no code that was sent is good any more."""
        self.spent = [*self.codes] or self.spent
        self.codes.clear()

    # -- ends ----------------------------------------------------------------------------------------------------------

    def drop_proofs(self) -> None:
        """End every proof of every browser, and a grant."""
        for held in self.browsers.values():
            held.proofs.clear()
        self.grant = None

    def lock_by_hand(self, clock: int) -> bool:
        """Note an administrator's lock, which ends every proof. Returns if it is a new one."""
        self.is_known = True
        if self.lock == "administrator":
            return False
        self.touch(clock, stays=False)
        self.lock = "administrator"
        self.end_codes()
        self.drop_proofs()
        return True

    def unlock(self, clock: int) -> bool:
        """Note an administrator's unlock. Returns if there was something to unlock."""
        changed = bool(self.lock or self.failures or self.wrong_at or self.free)
        if changed:
            self.touch(clock)
            if self.lock:
                self.grant = None
            if self.lock and self.waiting is not None and self.waiting.opens_at:
                length = self.waiting.opens_at - self.waiting.at
                self.waiting = Waiting(self.seen_at, self.seen_at + length)
        self.lock, self.failures, self.wrong_at, self.free = "", 0, [], []
        return changed

    def empty(self, clock: int) -> None:
        """Note that every factor is removed. A mark that a clock has set far ahead is set back."""
        self.seen_at = clock if self.seen_at - clock > FAR else self.now(clock)
        self.sends = [(kind, min(at, self.seen_at)) for kind, at in self.sends]
        self.wrong_at = [min(at, self.seen_at) for at in self.wrong_at]
        lock = "administrator" if self.lock == "administrator" else ""
        kept = Person(is_known=True, seen_at=self.seen_at, sends=self.sends, wrong_at=self.wrong_at, lock=lock)
        self.__dict__.update(kept.__dict__)

    def end_with_tenant(self) -> None:
        """Note that all proofs of the tenant have ended.

        A request for help is the administrators' then.
        """
        if self.exists:
            self.drop_proofs()
            self.end_codes()
            self.skips.clear()
            self.leave = ("", 0)
            if self.waiting is not None:
                self.waiting.opens_at = 0

    def end_proofs(self, clock: int) -> None:
        """Note that every proof has ended, and all that could become one without a new answer."""
        if self.exists:
            self.touch(clock, stays=False)
            self.drop_proofs()
            self.end_codes()
            self.skips.clear()
            self.leave = ("", 0)
            if self.waiting is not None and self.waiting.opens_at:
                self.waiting = None
