"""Results of deliveries, and a pause for a provider that keeps failing."""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

from ..errors import SendFailed

log = logging.getLogger("mfa_gate")

FAILURES = 5
PAUSE = 30.0
MAX_PLACES = 256

_PLAIN_KEY = re.compile(r"[A-Za-z0-9._~-]{1,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of one attempt.

    ``reason`` is "" if delivered, else a reason of ``SendFailed``. ``detail`` never quotes the provider's words: providers
    repeat numbers and texts in their errors. ``provider_down`` says that the next message to anybody would likely fail as
    well. A full mailbox or a barred number does not say that. So nobody can switch a channel off for others with an address
    of their own.
    """

    reason: str = ""
    transient: bool = False
    detail: str = ""
    provider_down: bool = False


DELIVERED = Outcome()


class Breaker:
    """A switch that refuses messages for ``pause`` seconds after ``failures`` failures.

    Only failures of the provider in a row count (S-127, F-21). ``clock`` is monotonic seconds. After the pause one attempt
    goes through, and its result decides for the others.
    """

    def __init__(
        self, *, failures: int = FAILURES, pause: float = PAUSE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._failures = failures
        self._pause = pause
        self._clock = clock
        self._count = 0
        self._opened_at = 0.0
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Tell whether a message would be refused now without a try."""
        if self._count < self._failures:
            return False
        return self._probing or self._clock() - self._opened_at < self._pause

    async def deliver(self, attempt: Callable[[], Awaitable[Outcome]]) -> None:
        """Run ``attempt`` once, if the provider is not paused. Raises ``SendFailed``."""
        if self.is_open:
            raise SendFailed("unreachable", transient=True, detail="paused after repeated failures")
        self._probing = self._count >= self._failures
        outcome: Outcome | None = None
        try:
            outcome = await attempt()
        except Exception as error:
            # The error's text may quote the message, so it is not logged.
            log.error("a sender failed unexpectedly with %s: the message was not sent", type(error).__name__)
            outcome = Outcome(reason="refused", detail=f"the message could not be written ({type(error).__name__})")
        finally:
            self._probing = False
            if outcome is not None:
                self._settle(provider_down=outcome.provider_down)
        # Raised outside of the handler, so that the library's exception is not chained: it may quote the destination.
        if outcome.reason:
            raise SendFailed(outcome.reason, transient=outcome.transient, detail=outcome.detail)

    def _settle(self, *, provider_down: bool) -> None:
        if not provider_down:
            self._count = 0
            return
        self._count += 1
        if self._count >= self._failures:
            self._opened_at = self._clock()


class Breakers:
    """One ``Breaker`` for each place.

    There are at most ``MAX_PLACES``. The one that was not used for longest is dropped.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._places: OrderedDict[Hashable, Breaker] = OrderedDict()

    def at(self, place: Hashable) -> Breaker:
        """Return the breaker of ``place``, and make it if there is none."""
        breaker = self._places.setdefault(place, Breaker(clock=self._clock))
        self._places.move_to_end(place)
        if len(self._places) > MAX_PLACES:
            self._places.popitem(last=False)
        return breaker


def header_safe(key: str) -> str:
    """Return ``key`` in a form that may stand in a header.

    That is ``key`` itself, or its digest if it holds unusual characters.
    """
    if _PLAIN_KEY.fullmatch(key):
        return key
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
