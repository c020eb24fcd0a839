"""Demand a fresher or stronger second factor for one endpoint, by ``require_proof``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, ParamSpec, TypeVar, overload

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from ..core.decision import Allow
from ..core.durations import format_duration, seconds_of
from ..core.model import Seconds
from ..core.options import PROOF_AGE
from ..core.policy import POLICY_AGE, Demand
from ..policyfile.tools.endpoints import LOST, MARK, UNCALLED
from .connection import Connection, ProofRequired

__all__ = ["require_proof"]

P = ParamSpec("P")
R = TypeVar("R")


async def _dependency(connection: HTTPConnection) -> None:
    """Give FastAPI the parameters to read: the connection, and none of the request's own."""


_SIGNATURE = inspect.Signature(
    [inspect.Parameter("connection", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=HTTPConnection)]
)


class require_proof:
    """A demand for a proof of a given age or strength at one endpoint.

    ``max_age`` is the longest age of the proof: ``"5m"``, or seconds; None means as old as the policy allows.
    ``phishing_resistant`` demands a passkey or security key. ``factors`` names the factors that are accepted.
    ``user_verification`` demands an authenticator that checked the person by PIN, face or fingerprint.

    As a FastAPI dependency: ``Depends(require_proof("5m"))``; as a decorator of a Starlette endpoint:
    ``@require_proof("5m")``. The gate leads the person to the factor that satisfies it and back. One proof meets this and
    all that the policy demands here. Where no gate is in the stack, it fails closed. The decorator stands below the one
    that registers the route, next to the function; above it nothing would be asked, which stops the start.

    Raises ``ValueError`` for an age that the policy would not take as ``max_age`` either ("1m" to "365d").
    """

    def __init__(
        self,
        max_age: str | int | None = None,
        *,
        phishing_resistant: bool = False,
        factors: Sequence[str] | None = None,
        user_verification: bool = False,
    ) -> None:
        age = int(POLICY_AGE) if max_age is None else _age_of(max_age)
        kinds = None if factors is None else tuple(factors)
        if isinstance(factors, str) or kinds == () or not all(isinstance(kind, str) for kind in kinds or ()):
            raise ValueError('require_proof: factors must be a list of one or more kinds, e.g. ["totp"]')
        self.demand = Demand(
            rule="require_proof",
            max_age=Seconds(age),
            factors_any=kinds or (),
            phishing_resistant=phishing_resistant,
            user_verification=user_verification,
        )
        setattr(self, MARK, self.demand)
        # FastAPI reads the parameters from this function, and sees here that it must await. Releases before 0.120 look at
        # the object's own signature and at its attribute ``__call__``; a call of the object still takes the method below.
        self.__wrapped__ = _dependency
        self.__signature__ = _SIGNATURE
        vars(self)["__call__"] = _dependency

    def __repr__(self) -> str:
        return f"require_proof({self.demand})"

    @overload
    def __call__(self, connection: HTTPConnection) -> Coroutine[Any, Any, None]: ...

    @overload
    def __call__(self, connection: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]: ...

    @overload
    def __call__(self, connection: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]: ...

    def __call__(self, connection: Any) -> Any:
        """Check a connection, or guard an endpoint.

        For a connection it returns a coroutine: this returns None, or raises the answer of the gate. For an endpoint
        it returns the guarded endpoint.
        """
        return self._check(connection) if isinstance(connection, HTTPConnection) else self._around(connection)

    async def _check(self, connection: HTTPConnection) -> None:
        seen = connection.scope.get("mfa_gate")
        if not isinstance(seen, Connection):
            raise RuntimeError(
                "require_proof: no gate is around this app to ask for a second factor; add it with gate.install(app)"
            )
        seen.gate.endpoint_demands.note(self.demand)
        if await seen.gate.only_reports(seen.as_judged(connection.scope), (self.demand,)):
            return
        try:
            judgement = await seen.gate.judge_again(connection.scope, extra=(self.demand,))
        except Exception as error:
            raise seen.refuse(ProofRequired(None, (self.demand,), fault=error)) from error
        if judgement is None or not isinstance(judgement.decision, Allow):
            raise seen.refuse(ProofRequired(judgement.decision if judgement else None, (self.demand,)))

    def _around(self, endpoint: Callable[..., Any]) -> Callable[..., Any]:
        if isinstance(endpoint, type):
            raise TypeError(
                f"@require_proof: decorate the methods of the class {endpoint.__name__}, or pass a function"
            )
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

        vars(guarded).pop(LOST, None)
        setattr(guarded, MARK, self.demand)
        # A route that has the bare function, because it was registered before this, is found by that.
        if inspect.isfunction(endpoint):
            setattr(endpoint, LOST, (*vars(endpoint).get(LOST, ()), self.demand))
        return guarded


setattr(require_proof, UNCALLED, True)


def _age_of(given: object) -> int:
    """Read ``max_age`` as the policy reads it. Raises ``ValueError`` or ``TypeError``."""
    if callable(given):
        raise TypeError("require_proof: write @require_proof(), with parentheses")
    if isinstance(given, str):
        try:
            age = int(seconds_of(given))
        except ValueError as error:
            raise ValueError(f"require_proof: max_age: {error}") from None
        shown = f'"{given}"'
    elif isinstance(given, int) and not isinstance(given, bool):
        age = given
        shown = f'{given} seconds ("{format_duration(max(0, given))}")'
    else:
        raise ValueError(f'require_proof: max_age={given!r}: write text like "5m", or whole seconds')
    if not PROOF_AGE.holds(age):
        raise ValueError(f"require_proof: max_age: {shown} is out of bounds: {PROOF_AGE.says}")
    return age
