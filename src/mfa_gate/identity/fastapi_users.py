"""The user that fastapi-users would find: its dependencies run too late for a gate, so its own parts are asked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from ..core.model import Subject
from .bearer import token_session
from .values import as_groups, as_text, attribute

if TYPE_CHECKING:
    from fastapi_users.authentication import AuthenticationBackend
    from fastapi_users.manager import BaseUserManager


class FastAPIUsers:
    """``FastAPIUsers([auth_backend], user_manager)``: whom one of the backends finds, in the order of the list.

    ``backends`` are those that the app gives to ``fastapi_users.FastAPIUsers``, in the same order (S-12).
    ``user_manager`` is a function that makes an async context with the user manager, as the library's cookbook has it
    for use outside of requests. A backend's ``get_strategy`` is called without arguments; one that needs a database is
    given in ``strategies`` as such a function of a context by the backend's name.

    A user who is inactive or not verified counts as signed in: what they may do is the app's matter, and an app that
    does not look must not be open for it. ``tenant`` and ``groups`` name attributes of the user or are functions of it.
    The sign-in is named by a hash of its token.
    """

    def __init__(
        self,
        backends: Sequence[AuthenticationBackend[Any, Any]],
        user_manager: Callable[[], AbstractAsyncContextManager[BaseUserManager[Any, Any]]],
        *,
        strategies: dict[str, Callable[[], AbstractAsyncContextManager[Any]]] | None = None,
        tenant: str | Callable[[Any], str] = "",
        groups: str | Callable[[Any], Any] = "",
        key: bytes = b"",
    ) -> None:
        self._backends = tuple(backends)
        self._user_manager = user_manager
        self._strategies = strategies or {}
        self._tenant = tenant
        self._groups = groups
        self._key = key

    names_session = True

    def __repr__(self) -> str:
        return f"FastAPIUsers({', '.join(backend.name for backend in self._backends)})"

    async def __call__(self, connection: Any) -> Subject | None:
        """Who is signed in. Raises what the backends raise."""
        for backend in self._backends:
            scheme: Any = backend.transport.scheme
            token = await scheme(connection)
            if token is None:
                continue
            async with self._user_manager() as manager:
                user = await self._read(backend, token, manager)
            if user is not None:
                return Subject(
                    id=as_text(str(user.id), "id"),
                    tenant=as_text(attribute(user, self._tenant), "tenant") if self._tenant else "default",
                    groups=as_groups(attribute(user, self._groups)) if self._groups else frozenset(),
                    session=token_session(token, self._key),
                )
        return None

    async def _read(self, backend: Any, token: str, manager: Any) -> Any:
        made = self._strategies.get(backend.name)
        if made is not None:
            async with made() as strategy:
                return await strategy.read_token(token, manager)
        strategy = backend.get_strategy()
        if inspect.isawaitable(strategy):
            strategy = await strategy
        return await strategy.read_token(token, manager)
