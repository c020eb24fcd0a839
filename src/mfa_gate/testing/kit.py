"""Give a test everything that it needs of one gate, in one place: ``Kit(gate)``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..core.model import Account, Subject
from .clock import FixedClock
from .enrollment import Enrolled, enrolled, outbox_of
from .outbox import Outbox
from .routes import RouteRow, assert_all_covered, route_inventory
from .sign_in import C, run, signed_in, verified

if TYPE_CHECKING:
    from ..gate import MFAGate

__all__ = ["Kit"]


class Kit:
    """Bind the helpers of ``mfa_gate.testing`` to one gate.

    ``enrolled`` and ``verified`` are for coroutines, ``enroll`` and ``signed_in`` the same for plain tests.
    """

    def __init__(self, gate: MFAGate) -> None:
        self.gate = gate

    @property
    def clock(self) -> FixedClock:
        """Return the gate's clock. Raises ``LookupError`` if it is not a ``FixedClock``."""
        clock = self.gate.service.engine.wiring.clock
        if not isinstance(clock, FixedClock):
            raise LookupError("the gate has no FixedClock: pass clock=FixedClock(), or use Kit(gate).taken_over()")
        return clock

    @property
    def outbox(self) -> Outbox:
        """Return the gate's outbox. Raises ``LookupError`` if it has none."""
        return outbox_of(self.gate)

    @contextmanager
    def taken_over(self, clock: FixedClock | None = None, outbox: Outbox | None = None) -> Iterator[Kit]:
        """Replace the gate's clock and senders by a fixed clock and an outbox in this block.

        For apps that make their gate when they are imported. Its real senders get nothing meanwhile.
        """
        engine = self.gate.service.engine
        before = engine.wiring
        clock = clock or FixedClock()
        senders = (outbox or Outbox()).senders()
        engine.wiring = replace(before, clock=clock, senders=senders)
        engine.forget_all()
        try:
            yield self
        finally:
            engine.wiring = before
            engine.forget_all()

    async def enrolled(self, subject: Subject, factor: str = "totp", **more: str) -> Enrolled:
        """See ``mfa_gate.testing.enrolled``."""
        return await enrolled(self.gate, subject, factor, **more)

    def enroll(self, subject: Subject, factor: str = "totp", **more: str) -> Enrolled:
        """Do as ``enrolled``, in tests that are no coroutines."""
        return run(lambda: enrolled(self.gate, subject, factor, **more))

    async def verified(
        self,
        client: C,
        subject: Subject,
        *,
        fresh: bool = True,
        age: float | None = None,
        factor: str = "",
        address: str = "",
        native: bool = False,
    ) -> C:
        """See ``mfa_gate.testing.verified``."""
        return await verified(
            client, self.gate, subject, fresh=fresh, age=age, factor=factor, address=address, native=native
        )

    def signed_in(
        self,
        client: C,
        subject: Subject,
        *,
        fresh: bool = True,
        age: float | None = None,
        factor: str = "",
        address: str = "",
        native: bool = False,
    ) -> C:
        """See ``mfa_gate.testing.signed_in``."""
        return signed_in(
            client, self.gate, subject, fresh=fresh, age=age, factor=factor, address=address, native=native
        )

    def account(self, subject: Subject) -> Account:
        """Load the account of ``subject`` from the store."""

        async def load() -> Account:
            await self.gate.web.open()
            return await self.gate.service.engine.store.load(subject.key)

        return run(load)

    def routes(self, app: Any, *, tenant: str = "default", groups: Iterable[str] = ()) -> tuple[RouteRow, ...]:
        """See ``mfa_gate.testing.route_inventory``."""
        return route_inventory(app, self.gate, tenant=tenant, groups=groups)

    def assert_somebody_seen(self) -> None:
        """Fail if the gate has seen nobody signed in so far.

        Its adapter may then look in the wrong place. Call it in a test that has signed somebody in and made a request. Raises
        ``AssertionError``.
        """
        doubt = self.gate.web.sightings.doubt
        assert not doubt, doubt

    def assert_all_covered(self, app: Any, *, open: Sequence[str] = (), tenant: str = "default") -> None:
        """See ``mfa_gate.testing.assert_all_covered``."""
        assert_all_covered(app, self.gate, open=open, tenant=tenant)
