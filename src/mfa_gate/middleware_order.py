"""Check the layers around an app at its start: order, missing ones, second gates (S-10)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

from .policyfile.tools.endpoints import DEEPEST
from .policyfile.tools.routes import unfolded
from .ports import NeedsAuthentication, NeedsSession
from .web.lifespan import TWO_GATES
from .web.middleware import MFAGateMiddleware

CALLS = 200
NO_LAYERS = frozenset({"mfa_gate", "asyncio", "fastapi", "uvicorn", "hypercorn", "granian", "daphne", "gunicorn"})
"""Packages whose own calls of an app never find out who is signed in."""
BLIND = frozenset(
    {
        "AuthenticationMiddleware",
        "CORSMiddleware",
        "ExceptionMiddleware",
        "GZipMiddleware",
        "HTTPSRedirectMiddleware",
        "MFAGateMiddleware",
        "ProxyHeadersMiddleware",
        "ServerErrorMiddleware",
        "SessionMiddleware",
        "TrustedHostMiddleware",
    }
)
"""Layers that do one thing and no more. Any other layer may open a session or find a user, under whatever name."""


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers around an app, from the outermost one inwards, by the names of their classes.

    ``gates`` are the places of the gates in ``names``. ``is_installed`` says that the outermost gate is one of the app's own
    layers, and not around the app. ``app`` is the innermost app, which has the routes.
    """

    names: tuple[str, ...]
    gates: tuple[int, ...]
    is_installed: bool
    app: Any


def layers_of(app: Any) -> Layers:
    """List the layers of ``app`` as they run."""
    *around, at = inwards(app)
    layers = [*map(type, around), *(item.cls for item in getattr(at, "user_middleware", ()))]
    gates = tuple(place for place, layer in enumerate(layers) if layer is MFAGateMiddleware)
    names = tuple(getattr(layer, "__name__", str(layer)) for layer in layers)
    return Layers(names, gates, bool(gates) and gates[0] >= len(around), at)


def inwards(app: Any) -> list[Any]:
    """List an app and the apps inside of it, from the outermost one inwards."""
    found = [app]
    while len(found) <= DEEPEST and (inner := getattr(found[-1], "app", None)) is not None:
        found.append(inner)
    return found


def faults_of_order(app: Any, identify: Any, prefix: str, *, inside: bool) -> list[str]:
    """List the faults of an app's layers and routes (S-10).

    Such a fault would hide a route, let a request past the gate, or leave the gate without the user. ``app`` may be any
    object. ``inside``: the gate that asks is around it, and not among its layers.
    """
    found = layers_of(app)
    gate = -1 if inside or not found.gates else found.gates[0]
    before, behind = found.names[: max(gate, 0)], found.names[gate + 1 :]
    is_installed = found.is_installed and not inside
    faults = [
        f"prefix={prefix!r}: the app has a route {path!r} below it, which the gate would hide; give the gate another prefix"
        for path in (getattr(route, "path", None) or "" for route in unfolded(getattr(found.app, "routes", ())))
        if path == prefix or path.startswith(prefix + "/")
    ]
    if len(found.gates) + inside > 1:
        faults.append(f"middleware order: {TWO_GATES}")
    faults += [
        f"middleware order: one below the mount {path!r}, {TWO_GATES}"
        for path in _mounted_gates(found.app, "", DEEPEST)
    ]
    if hasattr(found.app, "user_middleware"):
        faults += _faults_of_needs(identify, before, behind, is_installed=is_installed)
    if "CORSMiddleware" in behind and is_installed:
        faults.append(
            "middleware order: CORSMiddleware is inside the gate, so refusals have no CORS headers and preflights are "
            "refused. Call app.add_middleware(CORSMiddleware, ...) after gate.install(app)"
        )
    return faults


def _faults_of_needs(
    identify: Any, before: tuple[str, ...], behind: tuple[str, ...], *, is_installed: bool
) -> Iterator[str]:
    """Find the layer that the adapter needs: inside of the gate, or nowhere."""
    needs = {
        "Session": isinstance(identify, NeedsSession) and identify.needs_session,
        "Authentication": isinstance(identify, NeedsAuthentication) and identify.needs_authentication,
    }
    around = {*before, *_layers_in_calls()}
    for word in (word for word, is_needed in needs.items() if is_needed):
        if any(word in name for name in around):
            continue
        hidden = next((name for name in behind if word in name), "")
        layer = hidden or f"{word}Middleware"
        if is_installed:
            fix = f"The last one added runs first: call app.add_middleware({layer}, ...) after gate.install(app)"
        else:
            fix = f"Put it around the gate: {layer}(MFAGateMiddleware(app, gate=gate), ...)"
        if hidden:
            yield f"middleware order: {hidden} is inside the gate, so the gate cannot see who is signed in. {fix}"
        elif around <= BLIND:
            yield (
                f"middleware order: identify={identify!r} needs {layer} outside of the gate, and there is none, so nobody "
                f"could be told apart. {fix}"
            )


def _mounted_gates(app: Any, prefix: str, depth: int) -> Iterator[str]:
    """List the mounts below which there is a gate of their own."""
    for route in unfolded(getattr(app, "routes", None) or ()):
        inner = getattr(route, "app", None)
        if inner is None or not depth:
            continue
        path = prefix + (getattr(route, "path", None) or getattr(route, "host", None) or "")
        found = layers_of(inner)
        if found.gates:
            yield path or "/"
        else:
            yield from _mounted_gates(found.app, path, depth - 1)


def _layers_in_calls() -> Iterator[str]:
    """List the layers among the calls that led here: those that were put around the whole app."""
    frame: FrameType | None = sys._getframe(1)
    for _ in range(CALLS):
        if frame is None:
            return
        known, layer = frame.f_locals, frame.f_locals.get("self")
        module = str(frame.f_globals.get("__name__", "")) if layer is None else type(layer).__module__
        is_call = {"scope", "receive", "send"}.issubset(known) and not hasattr(layer, "user_middleware")
        if is_call and module != "starlette.testclient" and module.partition(".")[0] not in NO_LAYERS:
            yield frame.f_code.co_name if layer is None else type(layer).__name__
        frame = frame.f_back
