"""An app that cannot be called is refused where it is given, not at its first request."""

from __future__ import annotations

import functools
from typing import Any
from unittest.mock import AsyncMock

import pytest
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.routing import Router

from mfa_gate import MFAGate, MFAGateMiddleware, SettingsError
from tests.good_start import GOOD


class OfASGI2:
    """An app of the version before."""

    def __init__(self, scope: Any) -> None: ...


class Callable3:
    """An object that is an app."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


class WithoutSelf:
    """An object that is an app by a function of its class."""

    @staticmethod
    async def __call__(scope: Any, receive: Any, send: Any) -> None: ...


class OfItsClass:
    """An object that is an app by a method of its class."""

    @classmethod
    async def __call__(cls, scope: Any, receive: Any, send: Any) -> None: ...


class CalledByItsOwn(type):
    """The kind of a class that is an app itself."""

    async def __call__(cls, scope: Any, receive: Any, send: Any) -> None: ...


def of_wsgi(environ: Any, start_response: Any) -> list[bytes]:
    """Answer as WSGI does."""
    return []


def factory() -> Starlette:
    """Make an app."""
    return Starlette()


@pytest.mark.parametrize(
    ("app", "said"),
    [
        (OfASGI2, "OfASGI2 is a class"),
        (Starlette, "Starlette is a class"),
        (of_wsgi, r"of_wsgi\(environ"),
        (factory, r"factory\(\)"),
        (None, "is of type NoneType"),
        ("app:app", "is of type str"),
        (functools.partial(of_wsgi, {}), "partial"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_no_app(app: Any, said: str) -> None:
    """The message names the thing, and says what to give."""
    with pytest.raises(SettingsError, match=rf"MFAGateMiddleware: .*{said}.*give an app of ASGI 3"):
        MFAGateMiddleware(app, gate=MFAGate(**GOOD))


@functools.wraps(factory)
async def decorated(scope: Any, receive: Any, send: Any) -> None:
    """Stand for a function with other arguments."""


def of_a_variable_without_a_value() -> Any:
    """Return an app that calls one which does not exist yet."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope, receive, send)

    MFAGateMiddleware(app, gate=MFAGate(**GOOD))
    inner = Starlette()
    return app


@pytest.mark.parametrize(
    "app",
    [
        *(Starlette(), Router(), Callable3(), functools.partial(Starlette()), HTTPEndpoint, Callable3().__call__),
        *(decorated, of_a_variable_without_a_value(), AsyncMock()),
        *(WithoutSelf(), OfItsClass(), CalledByItsOwn("App", (), {}), AsyncMock(spec=decorated)),
    ],
)
def test_every_kind_of_app(app: Any) -> None:
    """Objects, methods, partials and the endpoint classes of Starlette are apps.

    So are those that nobody can ask about themselves.
    """
    assert MFAGateMiddleware(app, gate=MFAGate(**GOOD)).app is app


@pytest.mark.parametrize("gate", [None, MFAGate, "gate"])
def test_no_gate(gate: Any) -> None:
    """The gate is an object of ``MFAGate``."""
    with pytest.raises(SettingsError, match=r"MFAGateMiddleware: gate is of type .*; give the MFAGate"):
        MFAGateMiddleware(Starlette(), gate=gate)
