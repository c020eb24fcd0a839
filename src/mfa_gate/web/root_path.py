"""Settle where the app begins, so that gate and router read one path (S-7, S-12).

Each framework takes ``root_path`` off the path by rules of its own. A path that two read differently would go past a rule.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette

DEEPEST = 20
CUT_ANYWHERE = (
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

Settle = Callable[[MutableMapping[str, Any]], None]


def settler_for(app: Any) -> Settle | None:
    """Return the function that settles the root of each request to ``app``, or None.

    Starlette's own router reads as the gate does. An unknown app gets what the server tells.
    """
    for _ in range(DEEPEST):
        if isinstance(app, Starlette):
            return _of_fastapi(app) if hasattr(app, "root_path") else None
        modules = [f"{kind.__module__}." for kind in type(app).__mro__]
        if any(module.startswith("litestar.") for module in modules):
            return _of_litestar(app)
        if "django.core.handlers.asgi." in modules:
            return _of_django
        if any(module.startswith(CUT_ANYWHERE) for module in modules):
            return put_before
        app = getattr(app, "app", None) or getattr(app, "application_mapping", {}).get("http")
    return None


def _of_fastapi(app: Any) -> Settle:
    def settle(scope: MutableMapping[str, Any]) -> None:
        """Write the root of ``FastAPI(root_path=...)``, as it does itself a moment later."""
        if app.root_path:
            scope["root_path"] = app.root_path

    return settle


def _of_django(scope: MutableMapping[str, Any]) -> None:
    """Write the root that ``FORCE_SCRIPT_NAME`` tells, as Django does itself a moment later.

    Django's handler gets requests alone. A router of Channels reads the root of a websocket as the server tells it.
    """
    root = sys.modules["django.conf"].settings.FORCE_SCRIPT_NAME
    if root and scope["type"] == "http":
        scope["root_path"] = root


def _of_litestar(app: Any) -> Settle:
    def settle(scope: MutableMapping[str, Any]) -> None:
        """Write the path as Litestar's router reads it.

        It takes the root off in the middle of a path, and finds the mount ``/admin`` in ``/adminusers``.
        """
        put_before(scope)
        router = getattr(app, "asgi_router", None)
        mounts, plain = getattr(router, "_mount_paths_regex", None), getattr(router, "_plain_routes", ())
        if mounts is None or scope.get("path") is None:
            return
        root = scope.get("root_path") or ""
        path = scope["path"][len(root) :]
        found = mounts.match(path)
        if found and path[found.end() : found.end() + 1] not in ("", "/") and path.rstrip("/") not in plain:
            scope["path"] = f"{root}{path[: found.end()]}/{path[found.end() :]}"

    return settle


def put_before(scope: MutableMapping[str, Any]) -> None:
    """Let the path begin with the root, as ASGI says, also where a proxy has taken it off.

    So no router finds the root at another place of the path.
    """
    root, path = (scope.get("root_path") or "").rstrip("/"), scope.get("path")
    if not scope.get("root_path") or path is None:
        return
    scope["root_path"] = root
    if not root or path == root or path.startswith(f"{root}/"):
        return
    scope["path"] = root + path
    if scope.get("raw_path") is not None:
        scope["raw_path"] = quote(root).encode() + scope["raw_path"]
