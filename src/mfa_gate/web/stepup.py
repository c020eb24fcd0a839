"""Demand a fresher or stronger second factor for one endpoint, by ``require_proof``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from ..core.decision import Allow
from ..core.durations import seconds_of
from ..core.model import Seconds
from ..core.policy import POLICY_AGE, Demand
from .connection import Connection, ProofRequired
from .endpoint_demands import MARK

__all__ = ["require_proof"]


async def _dependency(connection: HTTPConnection) -> None:
    """Give FastAPI the parameters to read: the connection, and none of the request's own."""


class require_proof:
    """A demand for a proof of a given age or strength at one endpoint.

    ``max_age`` is the longest age of the proof: ``"5m"``, or seconds; None means as old as the policy allows.
    ``phishing_resistant`` demands a passkey or security key. ``factors`` names the factors that are accepted.
    ``user_verification`` demands an authenticator that checked the person by PIN, face or fingerprint.

    As a FastAPI dependency: ``Depends(require_proof("5m"))``. As a decorator of a Starlette endpoint:
    ``@require_proof("5m")``. The gate leads the person to a factor that satisfies the demand, and back. One proof
    meets this demand and all demands of the policy here. Without a gate in the stack it fails closed.
    """

    def __init__(
        self,
        max_age: str | int | None = None,
        *,
        phishing_resistant: bool = False,
        factors: Sequence[str] | None = None,
        user_verification: bool = False,
    ) -> None:
        age = int(POLICY_AGE) if max_age is None else max_age if isinstance(max_age, int) else seconds_of(max_age)
        if age <= 0:
            raise ValueError("require_proof: max_age must be longer than nothing")
        if isinstance(factors, str):
            raise ValueError('require_proof: factors must be a list, e.g. ["totp"]')
        self.demand = Demand(
            rule="require_proof",
            max_age=Seconds(age),
            factors_any=tuple(factors or ()),
            phishing_resistant=phishing_resistant,
            user_verification=user_verification,
        )
        setattr(self, MARK, self.demand)
        # FastAPI reads the parameters from this function, and sees here that it must await.
        self.__wrapped__ = _dependency

    def __repr__(self) -> str:
        return f"require_proof({self.demand})"

    def __call__(self, connection: Any) -> Any:
        """Check a connection, or guard an endpoint.

        For a connection it returns a coroutine: this returns None, or raises the answer of the gate. For an endpoint
        it returns the guarded endpoint.
        """
        return self._check(connection) if isinstance(connection, HTTPConnection) else self._around(connection)

    async def _check(self, connection: HTTPConnection) -> None:
        seen = connection.scope.get("mfa_gate")
        if not isinstance(seen, Connection):
            raise RuntimeError("require_proof: no gate is in the stack to ask for a second factor")
        seen.gate.endpoint_demands.note(self.demand)
        try:
            judgement = await seen.gate.judge_again(connection.scope, extra=(self.demand,))
        except Exception as error:
            raise seen.refuse(ProofRequired(None, (self.demand,), fault=error)) from error
        if judgement is None or not isinstance(judgement.decision, Allow):
            raise seen.refuse(ProofRequired(judgement.decision if judgement else None, (self.demand,)))

    def _around(self, endpoint: Callable[..., Any]) -> Callable[..., Any]:
        is_async = inspect.iscoroutinefunction(endpoint)

        @functools.wraps(endpoint)
        async def guarded(*args: Any, **named: Any) -> Any:
            connection = next((a for a in (*args, *named.values()) if isinstance(a, HTTPConnection)), None)
            if connection is None:
                raise TypeError(
                    f"@require_proof: {endpoint.__name__} takes no request; give it one, or use Depends(require_proof(...))"
                )
            await self._check(connection)
            if is_async:
                return await endpoint(*args, **named)
            return await run_in_threadpool(endpoint, *args, **named)

        setattr(guarded, MARK, self.demand)
        return guarded
