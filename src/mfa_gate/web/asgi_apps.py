"""Refuse an app that no server could call, before the first request does."""

from __future__ import annotations

from inspect import getattr_static, isclass, signature

from ..errors import SettingsError


def need_app(app: object) -> None:
    """Refuse an app that cannot be called with ``(scope, receive, send)`` (ASGI 3).

    Raises ``SettingsError``. A factory, a WSGI app, an app of ASGI 2 and a class in place of its object fail at their
    first request otherwise.
    """
    if not callable(app):
        raise SettingsError(f"MFAGateMiddleware: the app is of type {type(app).__name__}, and cannot be called: {FIX}")
    if isclass(app) and not hasattr(app, "__await__") and type(app).__call__ is type.__call__:
        raise SettingsError(f"MFAGateMiddleware: {app.__qualname__} is a class: {FIX}")
    # Python takes the first argument off a function of the class as well.
    is_bare = isinstance(getattr_static(app, "__call__", None), (staticmethod, classmethod))
    try:
        # A decorator may name the arguments of what it stands for.
        found = signature(app.__call__ if is_bare else app, follow_wrapped=False)
    except (TypeError, ValueError):
        return  # written in C: only the call tells
    try:
        found.bind("scope", "receive", "send")
    except TypeError as error:
        name = getattr(app, "__qualname__", type(app).__name__)
        raise SettingsError(
            f"MFAGateMiddleware: the gate calls the app with (scope, receive, send), and {name}{found} fails ({error}): {FIX}"
        ) from None


FIX = (
    "give an app of ASGI 3, MFAGateMiddleware(app, gate=gate); call a factory or a class first, and put an adapter round an "
    "app of WSGI"
)
