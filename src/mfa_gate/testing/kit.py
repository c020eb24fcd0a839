"""All that a test needs of one gate, in one place: ``Kit(gate)``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..core.model import Account, Subject
from .browser import LOOPBACK, BrowserContext, ProofCookie, proof_cookie, serving
from .clients import async_client_for, client_for
from .clock import FixedClock
from .enrollment import Enrolled, enrolled, outbox_of
from .loops import run_for
from .outbox import Outbox
from .routes import RouteRow, assert_all_covered, route_inventory
from .sign_in import PEER, C, signed_in, verified
from .stores import keep_store as keep_store_of
from .stores import require_test_store
from .take_over import take_over

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from httpx2 import AsyncClient
    from starlette.testclient import TestClient

    from ..gate import MFAGate

__all__ = ["Kit"]


class Kit:
    """Bind the helpers of ``mfa_gate.testing`` to one gate.

    ``enrolled`` and ``verified`` are for coroutines, ``enroll`` and ``signed_in`` the same for plain tests. Nothing is
    written into a store that outlives the test: ``taken_over`` gives the gate a store in memory. ``keep_store``: the gate's
    own store was made for this test, so it is used as it is.
    """

    def __init__(self, gate: MFAGate, *, keep_store: bool = False) -> None:
        self.gate = gate
        self._keep_store = keep_store
        if keep_store:
            keep_store_of(gate)

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
        """Give the gate a fixed clock, an outbox and a store in memory, in this block.

        For apps that make their gate when they are imported. Its real senders and its real store get nothing meanwhile. A
        kit with ``keep_store`` leaves the store.
        """
        senders = (outbox or Outbox()).senders()
        with take_over(self.gate, clock=clock or FixedClock(), senders=senders, keep_store=self._keep_store):
            yield self

    def client(self, app: Any, *, address: str = PEER, **more: Any) -> TestClient:
        """See ``mfa_gate.testing.client_for``."""
        return client_for(app, self.gate, address=address, **more)

    def async_client(self, app: Any, *, address: str = PEER, **more: Any) -> AsyncClient:
        """See ``mfa_gate.testing.async_client_for``."""
        return async_client_for(app, self.gate, address=address, **more)

    def serving(self, app: Any) -> AbstractContextManager[str]:
        """See ``mfa_gate.testing.serving``."""
        return serving(app, self.gate)

    def proof_cookie(
        self,
        subject: Subject,
        *,
        fresh: bool = True,
        age: float | None = None,
        factor: str = "",
        address: str = LOOPBACK,
        url: str = "",
    ) -> ProofCookie:
        """See ``mfa_gate.testing.proof_cookie``; for tests that are no coroutines."""
        return run_for(
            self.gate,
            lambda: proof_cookie(self.gate, subject, fresh=fresh, age=age, factor=factor, address=address, url=url),
        )

    def signed_in_browser(
        self,
        context: BrowserContext,
        subject: Subject,
        *,
        fresh: bool = True,
        age: float | None = None,
        factor: str = "",
        address: str = LOOPBACK,
        url: str = "",
    ) -> None:
        """Put the cookie of ``proof_cookie`` into Playwright's ``context``.

        The app's own sign-in is still yours to do.
        """
        context.add_cookies([self.proof_cookie(subject, fresh=fresh, age=age, factor=factor, address=address, url=url)])

    async def enrolled(self, subject: Subject, factor: str = "totp", **more: str) -> Enrolled:
        """See ``mfa_gate.testing.enrolled``."""
        return await enrolled(self.gate, subject, factor, **more)

    def enroll(self, subject: Subject, factor: str = "totp", **more: str) -> Enrolled:
        """Do as ``enrolled``, in tests that are no coroutines."""
        return run_for(self.gate, lambda: enrolled(self.gate, subject, factor, **more))

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
            require_test_store(self.gate)
            await self.gate.web.open()
            return await self.gate.service.engine.load(subject.key)

        return run_for(self.gate, load)

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
