"""The apps that a host's own function or object calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from inspect import getattr_static, iscoroutinefunction
from types import FunctionType
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Router

CUT_ANYWHERE = (
    "channels.routing.",
    "litestar.",
    "quart.",
    "a2wsgi.",
    "asgiref.wsgi.",
    "starlette.middleware.wsgi.",
    "uvicorn.middleware.wsgi.",
)
"""Modules of frameworks, and of bridges to WSGI, that take the root off where it is no whole segment of the path.

Litestar takes it off in the middle of a path as well.
"""
APPS = (*CUT_ANYWHERE, "django.core.handlers.asgi.")
INSIDE = ("app", "other_asgi_app", "application", "inner")
"""Names under which a layer keeps the app that it stands around: that of most, of Socket.IO, and two of Channels."""


def apps_named_in(app: Any) -> Iterator[object]:
    """Return the apps that a function reads from around it, or that an object keeps."""
    return (found for found in _named_in(app) if _is_app(found))


def _named_in(app: Any) -> Iterator[object]:
    if isinstance(app, partial):
        yield from (app.func, *app.args, *app.keywords.values())
    elif type(app) is not FunctionType:
        yield from list(getattr(app, "__dict__", {}).values())
    else:
        # A variable may have no value yet.
        for cell in app.__closure__ or ():
            with suppress(ValueError):
                yield cell.cell_contents
        yield from (app.__globals__[name] for name in app.__code__.co_names if name in app.__globals__)


def _is_app(found: object) -> bool:
    """Tell if an object is an app, a layer around one, or a function that calls one.

    Its type and its own attributes tell: proxies of a request fail on every other question.
    """
    if type(found) is FunctionType:
        return found.__code__.co_argcount == 3 and iscoroutinefunction(found)
    kinds = type(found).__mro__
    if not {Starlette, Router}.isdisjoint(kinds) or any(f"{kind.__module__}.".startswith(APPS) for kind in kinds):
        return True
    return any(getattr_static(found, name, None) is not None for name in INSIDE)
