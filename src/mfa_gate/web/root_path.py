"""Settle where the app begins, so that gate and router read one path (S-7, S-12).

Each framework takes ``root_path`` off the path by rules of its own. A path that two read differently would go past a rule.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.routing import Host, Match, Mount, Router

from ..policyfile.tools.routes import unfolded
from .named_apps import CUT_ANYWHERE, INSIDE, apps_named_in
from .scope import app_path

DEEPEST = 50
"""Layers that are looked through. An object that answers every question would go on for ever."""

Settle = Callable[[MutableMapping[str, Any]], None]
Known = dict[int, Settle | None]


def settler_for(app: Any, known: Known | None = None) -> Settle | None:
    """Return the function that settles the root of each request to ``app``, or None.

    Starlette's own router reads as the gate does; not every app does that it mounts. An unknown app gets what the server
    tells. ``known`` has the answers so far, so that apps that name each other are looked at once.
    """
    known = {} if known is None else known
    app = _owner(app)
    if id(app) not in known:
        known[id(app)] = None
        known[id(app)] = _find(app, known)
    return known[id(app)]


def _find(app: Any, known: Known) -> Settle | None:
    for _ in range(DEEPEST):
        if isinstance(app, (Starlette, Router)):
            return _in_turn(_of_fastapi(app) if hasattr(app, "root_path") else None, _of_mounts(app.routes, known))
        modules = [f"{kind.__module__}." for kind in type(app).__mro__]
        if any(module.startswith("litestar.") for module in modules):
            return _of_litestar(app)
        if "django.core.handlers.asgi." in modules:
            return _of_django
        if isinstance(by_type := getattr(app, "application_mapping", None), dict):
            return _of_types({kind: settler_for(inner, known) for kind, inner in by_type.items()})
        if any(module.startswith("hypercorn.middleware.") for module in modules) and hasattr(app, "mounts"):
            return _of_dispatcher({path: settler_for(inner, known) for path, inner in app.mounts.items()})
        if any(module.startswith(CUT_ANYWHERE) for module in modules):
            routed = [
                settler_for(route.callback, known)
                for route in getattr(app, "routes", None) or ()
                if hasattr(route, "callback")
            ]
            return _in_turn(next((settle for settle in routed if settle not in (None, put_before)), None), put_before)
        inner = next((it for name in INSIDE if (it := getattr(app, name, None)) is not None), None)
        if inner is None:
            return _of_host(app, known)
        app = _owner(inner)
    return None


def _owner(app: object) -> Any:
    """Return the app whose method ``app`` is, as ``quart_app.asgi_app``, else ``app``."""
    owner = getattr(app, "__self__", None)
    return app if owner is None else owner


def _in_turn(first: Settle | None, then: Settle | None) -> Settle | None:
    if first is None or then is None:
        return first or then

    def settle(scope: MutableMapping[str, Any]) -> None:
        first(scope)
        then(scope)

    return settle


def _of_types(by_type: dict[str, Settle | None]) -> Settle:
    def settle(scope: MutableMapping[str, Any]) -> None:
        """Settle by the app for this type of connection, as Channels chooses it."""
        found = by_type.get(scope["type"])
        if found is not None:
            found(scope)

    return settle


def _of_dispatcher(mounts: dict[str, Settle | None]) -> Settle:
    def settle(scope: MutableMapping[str, Any]) -> None:
        """Write the path as hypercorn's dispatcher reads it.

        It finds the mount ``/admin`` in ``/adminusers``, and looks for it before the root that a server tells, so that no app
        below a mount finds itself there. A second slash says of such a path that it can be read in two ways.
        """
        path = scope.get("path")
        if path is None:
            return
        scope["root_path"] = root = (scope.get("root_path") or "").rstrip("/")
        mount = next((mount for mount in mounts if path.startswith(mount)), None)
        if mount is None:
            return
        rest, name, inner = path[len(mount) :], mount.rstrip("/"), mounts[mount]
        if name and root:
            scope["path"] = f"{name}//{rest}"
            return
        if name == mount != "" and rest and rest[0] != "/":
            scope["path"] = f"{mount}/{rest}"
        if inner is not None:
            scope["path"] = _read_by(inner, scope, root_path=root + mount)

    return settle


def _of_host(app: Any, known: Known) -> Settle | None:
    """Settle for the one app that a function, or an object of the host, calls.

    Of several apps, none is asked for a root of its own.
    """
    found = {settler_for(it, known) for it in apps_named_in(app)} - {None}
    return found.pop() if len(found) == 1 else put_before if found else None


def _of_fastapi(app: Any) -> Settle:
    def settle(scope: MutableMapping[str, Any]) -> None:
        """Write the root of ``FastAPI(root_path=...)``, as it does itself a moment later."""
        if app.root_path:
            scope["root_path"] = app.root_path

    return settle


def _of_django(scope: MutableMapping[str, Any]) -> None:
    """Write the root that ``FORCE_SCRIPT_NAME`` tells, as Django does itself a moment later.

    Django's handler gets requests alone.
    """
    root = sys.modules["django.conf"].settings.FORCE_SCRIPT_NAME
    if root and scope["type"] == "http":
        scope["root_path"] = root


def _of_mounts(routes: Iterable[Any], known: Known) -> Settle | None:
    """Settle for the mounted apps that read paths by rules of their own.

    None where there is none.
    """
    listed = list(unfolded(routes))
    mounts = [(route, getattr(route, "original_route", route)) for route in listed]
    apps = [(route, settler_for(mount.app, known)) for route, mount in mounts if isinstance(mount, (Mount, Host))]
    below = [(route, inner) for route, inner in apps if inner is not None]
    if not below:
        return None

    def settle(scope: MutableMapping[str, Any]) -> None:
        put_before(scope)
        for route, inner in below:
            match, child = route.matches(scope)
            if match is Match.FULL:
                path = _read_by(inner, scope, **child)
                # Most paths stay as they are, so the other routes are asked for the rest alone: the first one gets it.
                if path != scope["path"] and route is next(it for it in listed if it.matches(scope)[0] is Match.FULL):
                    scope["path"] = path
                return

    return settle


def _read_by(inner: Settle, scope: MutableMapping[str, Any], **mount: Any) -> str:
    """Return the path that the gate reads as a mounted app does.

    ``mount`` is the mount's part of the app's scope. An app that is mounted at "/" may have a root of its own, which it takes
    off as well. A second slash says of a path that it can be read in two ways: it begins with two such roots, or with the root
    of a server, which such an app does not know.
    """
    mounted = {**scope, **mount}
    told = (mounted.get("root_path") or "").rstrip("/")
    inner(mounted)
    path: str = mounted["path"]
    if (mounted.get("root_path") or "").rstrip("/") == told:
        return path
    if not told:
        path = app_path(mounted)
    return f"/{path}" if scope.get("root_path") or (not told and app_path({**mounted, "path": path}) != path) else path


def _of_litestar(app: Any) -> Settle:
    mounted_apps: dict[str, Settle | None] = {}

    def settle(scope: MutableMapping[str, Any]) -> None:
        """Write the path as Litestar's router reads it.

        It takes the root off in the middle of a path, and finds the mount ``/admin`` in ``/adminusers``. It hands the rest of
        the path to a mounted app, with the root, which that app may take off once more: a second slash says of such a path
        that it can be read in two ways, and Litestar passes over it.
        """
        put_before(scope)
        router: Any = getattr(app, "asgi_router", None)
        mounts, plain = getattr(router, "_mount_paths_regex", None), getattr(router, "_plain_routes", ())
        if mounts is None or scope.get("path") is None:
            return
        root = scope.get("root_path") or ""
        path = scope["path"][len(root) :]
        found = mounts.match(path)
        if not found or path.rstrip("/") in plain:
            return
        mount, rest = found[0], path[found.end() :]
        if rest and rest[0] != "/":
            rest = f"/{rest}"
        if mount not in mounted_apps:
            handler = router._mount_routes[mount].asgi_handlers.get("asgi")
            mounted_apps[mount] = settler_for(handler.handler.fn) if handler is not None else None
        inner = mounted_apps[mount]
        if rest and inner is not None:
            rest = _read_by(inner, {**scope, "path": rest, "root_path": ""})
        scope["path"] = f"{root}{mount.rstrip('/')}{'/' if root and root in rest else ''}{rest}" or "/"

    return settle


def put_before(scope: MutableMapping[str, Any]) -> None:
    """Let the path begin with the root, as ASGI says, also where a proxy has taken it off.

    So no router finds the root at another place of the path.
    """
    told, path = scope.get("root_path"), scope.get("path")
    if not told or path is None:
        return
    root = told.rstrip("/")
    if root and root[0] != "/":
        root = f"/{root}"
    scope["root_path"] = root
    if not root or path == root or path.startswith(f"{root}/"):
        return
    before = root if path[:1] in ("", "/") else f"{root}/"
    scope["path"] = before + path
    if scope.get("raw_path") is not None:
        scope["raw_path"] = quote(before).encode() + scope["raw_path"]
