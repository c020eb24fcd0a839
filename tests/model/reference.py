"""A simple account of who may pass, to compare the gate with.

It knows no store, no cookie and no cache. Each rule of the gate stands in it once, in the plainest form.
"""

from __future__ import annotations

from dataclasses import dataclass, field

DAY = 86_400
LIFE = 7 * DAY
"""Seconds that a proof is good for."""
HOUR = 3600
FREE = 20
"""Refusals without cost in an hour."""
CHANGES = 300
"""Seconds that it is good for to change one's factors."""
ATTEMPTS = 7
"""Wrong answers that lock an account."""
ROLLING = 50
"""Wrong answers within ``ROLLING_DAYS`` that lock, whatever was right between them."""
ROLLING_DAYS = 30
FAR = 60
"""Seconds by which a time is so far ahead of the clock that a wrong clock must have set it."""
STEP = 30
"""Seconds of one code of an authenticator app."""
NETWORKS = 5
"""Networks on which one browser may hold a proof."""


@dataclass
class Held:
    """One confirmed browser.

    ``proofs`` are the times (UTC seconds) of its proofs by network.
    """

    proofs: dict[str, int] = field(default_factory=dict)


@dataclass
class Person:
    """One person as the reference knows them.

    ``backup`` and ``used`` are the backup codes that are left, and those that were used.

    ``browsers`` are the confirmed browsers by the mark of their cookie. ``step`` is the last accepted step of the
    authenticator app, ``free`` the refusals without cost with the mark of their browser, ``seen_at`` the latest time of a change.
    """

    exists: bool = False
    enrolled: bool = False
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

    def now(self, clock: int) -> int:
        """Return the time that counts: a clock that steps back revives nothing."""
        return max(clock, self.seen_at)

    def passes(self, mark: int, network: str, clock: int, *, within: int = LIFE) -> bool:
        """Tell if the browser with ``mark`` has a proof on ``network`` that is young enough.

        ``within`` is in seconds.
        """
        held = self.browsers.get(mark)
        at = held.proofs.get(network) if held else None
        return self.enrolled and at is not None and self.now(clock) - at < within

    def succeed(self, mark: int, new: int, network: str, clock: int) -> None:
        """Note a right answer: the proof, its browser's new mark, and all attempts given back."""
        self.seen_at = self.now(clock)
        held = self.browsers.pop(mark, Held())
        held.proofs = {where: at for where, at in held.proofs.items() if self.seen_at - at < LIFE and where != network}
        while len(held.proofs) >= NETWORKS:
            held.proofs.pop(min(held.proofs, key=held.proofs.__getitem__))
        held.proofs[network] = self.seen_at
        self.browsers[new] = held
        self.failures = 0

    def fail(self, clock: int) -> None:
        """Note a wrong answer, and the lock that it may bring."""
        self.seen_at = self.now(clock)
        self.failures += 1
        self.wrong_at.append(self.seen_at)
        first = (self.seen_at - ROLLING_DAYS * DAY) // DAY
        if self.failures >= ATTEMPTS or sum(at // DAY >= first for at in self.wrong_at) >= ROLLING:
            self.lock = "attempts"

    def touch(self, clock: int) -> None:
        """Note that something was written."""
        self.exists, self.seen_at = True, self.now(clock)

    def lock_by_hand(self, clock: int) -> bool:
        """Note an administrator's lock, which ends every proof. Returns if it is a new one."""
        self.touch(clock)
        new = self.lock != "administrator"
        self.lock = "administrator"
        self.browsers.clear()
        return new

    def must_wait(self, mark: int, clock: int) -> bool:
        """Tell if the browser has used up the refusals without cost.

        All new browsers share one budget.
        """
        place = mark if mark in self.browsers else 0
        return sum(where == place and 0 <= clock - at < HOUR for where, at in self.free) >= FREE

    def refuse(self, mark: int, clock: int) -> None:
        """Note an answer that was no guess, and cost nothing."""
        self.touch(clock)
        self.free.append((mark if mark in self.browsers else 0, clock))

    def unlock(self, clock: int) -> bool:
        """Note an administrator's unlock. Returns if there was something to unlock."""
        changed = bool(self.lock or self.failures or self.wrong_at or self.free)
        if changed:
            self.touch(clock)
        self.lock, self.failures, self.wrong_at, self.free = "", 0, [], []
        return changed

    def reset(self, clock: int) -> None:
        """Note that every factor is removed. A mark that a clock has set far ahead is set back."""
        self.seen_at = clock if self.seen_at - clock > FAR else self.now(clock)
        self.enrolled, self.secret, self.step, self.failures = False, "", 0, 0
        self.backup.clear()
        self.used.clear()
        self.free.clear()
        self.browsers.clear()
        if self.lock == "attempts":
            self.lock = ""

    def end_proofs(self, clock: int) -> None:
        """Note that every proof has ended."""
        if self.exists:
            self.touch(clock)
        self.browsers.clear()

    def is_fresh(self, step: int, clock: int) -> bool:
        """Tell if a code of the app for ``step`` is good now."""
        return abs(clock // STEP - step) <= 1 and step > self.step
