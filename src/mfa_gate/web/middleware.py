"""The ASGI shell around any app, with the short way of requests that need no judging."""

from __future__ import annotations

import logging
from asyncio import current_task
from collections.abc import Awaitable, Callable, MutableMapping
from threading import get_ident
from typing import Any, Protocol

from ..errors import MFAGateError, SettingsError
from ..identity.credentials import Unreadable
from .asgi_apps import need_app
from .connection import ANONYMOUS, EXEMPT, Connection, Passed
from .gate import Gate
from .root_path import settler_for
from .scope import address_of, app_path
from .types import App, Receive, Send

log = logging.getLogger("mfa_gate")


class HasGate(Protocol):
    """An object with a gate, such as ``MFAGate``."""

    @property
    def web(self) -> Gate:
        """Return the gate of the web layer, which judges connections."""


class MFAGateMiddleware:
    """The gate as a middleware around any ASGI app.

    ``MFAGateMiddleware(app, gate=gate)`` does the same as ``gate.install(app)``. Only an app of Starlette's kind is checked at
    its start. Raises ``SettingsError`` for an app that cannot be called as ASGI 3 says.
    """

    def __init__(self, app: Callable[..., Awaitable[Any]], *, gate: HasGate) -> None:
        # Each framework has types of its own for the three arguments; a narrower type would refuse most apps.
        need_app(app)
        if not isinstance(getattr(gate, "web", None), Gate):
            raise SettingsError(
                f"MFAGateMiddleware: gate is of type {type(gate).__name__}; give the MFAGate, gate=gate"
            )
        self.app: App = app
        self.gate = gate
        self._gate = gate.web
        self._connections = gate.web.connections
        self._passes = gate.web.service.access.passes
        self._has_failed = False
        self._settle_root = settler_for(app)
        self._gate.add_app(app)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Judge one connection, call the app, and keep the connection while it lasts.

        Most requests pass for a reason that needs no waiting: they are exempt, anonymous, or of a browser that was judged
        a moment ago. An error on this short way occurs again while judging, and refuses there. The app's exceptions pass
        through.
        """
        __tracebackhide__ = True  # a report of the app's fault needs no frame of ours, which holds the cookies
        # Nearly every request walks through here, and each call that is saved is a hundredth of what SessionMiddleware
        # adds. So the short way is written out.
        gate, connections = self._gate, self._connections
        callers, rules = gate.callers, gate.latest_path_rules
        subject_now = callers.subject_now
        if self._settle_root is not None:
            self._settle_root(scope)
        # ASGI says dict. Starlette's types say only MutableMapping, and its typed code must be able to call us.
        whole: dict[str, Any] = scope  # type: ignore[assignment]
        passed: Passed | None = None
        connection: Connection | None
        try:
            if subject_now is not None and scope["type"] == "http":
                path, root, client, headers = seen = (
                    scope["path"],
                    scope.get("root_path", ""),
                    scope.get("client"),
                    scope["headers"],
                )
                if rules.policy is not gate.engine.policy:
                    rules = gate.path_rules
                method, own = scope["method"], app_path(whole) if root else path or "/"
                try:
                    way = rules.ways[method][own]
                except KeyError:
                    way = rules.way(method, own)
                if way == "exempt":
                    passed = EXEMPT
                elif way == "guarded":
                    subject = subject_now(scope)
                    if subject is None:
                        passed = ANONYMOUS
                        if not gate.sightings.somebody:
                            gate.sightings.stranger(scope)
                    else:
                        cookies = b""
                        for key, value in headers:
                            if key == b"cookie":
                                cookies = cookies + b"; " + value if cookies else value
                        trusted = callers.trusted
                        address = (
                            address_of(whole, trusted, callers.told_in) if trusted or client is None else client[0]
                        )
                        passed = known = self._passes(subject, cookies, address)
                        if known is None:
                            if subject.key in callers.opened and not rules.reports:
                                passed = gate.look(whole, subject, cookies, address)
                        elif known.counts is not None:
                            known.counts.hit(method, own)
        except Exception as error:
            self._tell(error)
        if passed is not None:
            # The running loop costs a system call before Python 3.12. A task that runs in the thread of a known loop is
            # that loop's.
            task = current_task(connections.loop) if connections.thread == get_ident() else None
            connection = Connection(gate, task or connections.start(), whole, seen, receive, send, passed)
        elif scope["type"] == "lifespan":
            self._settle_root = settler_for(self.app)  # an app may have got mounts since
            return await gate.lifespan(self.app, whole, receive, send)
        else:
            connection = await gate.judge(whole, receive, send)
            if connection is None:
                return None
        scope["mfa_gate"] = connection
        open_ones = connections.open
        open_ones.add(connection)
        try:
            await self.app(whole, connection.receive, connection.send)
        except BaseException as error:
            if not connection.over:
                raise
            await connection.finish(error)
        else:
            if connection.over:
                await connection.finish(None)
        finally:
            open_ones.discard(connection)
            scope.pop("mfa_gate", None)
            if connection.afterwards is not None:
                await connection.afterwards()

    def _tell(self, error: Exception) -> None:
        """Log once that the short way has a fault, unless judging tells of it anyway."""
        if not self._has_failed and not isinstance(error, (MFAGateError, Unreadable)):
            self._has_failed = True
            log.warning("mfa_gate: a remembered decision could not be looked up, so requests are judged: %r", error)
