"""Find the user that fastapi-users would find, by asking its own parts.

Its dependencies run too late for a gate.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..core.model import Subject
from .bearer import token_session
from .credentials import Unreadable, authorization_token, named_tokens, names, places_of, stray_tokens
from .first import agreed
from .values import as_groups, as_text, attribute

if TYPE_CHECKING:
    from fastapi_users.authentication import AuthenticationBackend
    from fastapi_users.manager import BaseUserManager


class FastAPIUsers:
    """Find the person by the app's backends: ``FastAPIUsers([auth_backend], user_manager)``.

    ``backends`` are those that the app gives to ``fastapi_users.FastAPIUsers``, in the same order (S-12). Every one is
    asked, since an endpoint may enable one of them alone. Two backends that find different people refuse the request, and so
    does an ``Authorization`` header in an odd form if one of them reads it. Name every further place where the app takes a
    token of theirs: ``query="token"`` for websockets, ``cookie=``, ``header=``; each is one name or several. A good JWT at a
    place that is not named is refused, unless it is of the same person. ``other_schemes`` names schemes of the header that
    another adapter reads.

    ``user_manager`` is a function that makes an async context with the user manager, as the library's cookbook has it for
    use outside of requests. A backend's ``get_strategy`` is called without arguments. Give a strategy that needs a database
    in ``strategies``, as such a function of a context by the backend's name.

    A user who is inactive or not verified counts as signed in: an app that does not check this must not be open for such a
    user. ``tenant`` and ``groups`` name attributes of the user or are functions of it. The sign-in is named by a hash of its
    token.
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
        header: str | Sequence[str] = (),
        query: str | Sequence[str] = (),
        cookie: str | Sequence[str] = (),
        other_schemes: str | Sequence[str] = (),
    ) -> None:
        self._backends: tuple[Any, ...] = tuple(backends)
        self._user_manager = user_manager
        self._strategies = strategies or {}
        self._tenant = tenant
        self._groups = groups
        self._key = key
        self._reads_header = any(_reads_header(backend) for backend in self._backends)
        self._places = places_of(header, query, cookie)
        self._other_schemes = names(other_schemes)
        # The backends read their own cookies, by the library's parser.
        own = tuple(name for backend in self._backends for name in _cookie_of(backend))
        self._read_here = replace(self._places, cookies=(*self._places.cookies, *own))

    names_session = True

    def __repr__(self) -> str:
        return f"FastAPIUsers({', '.join(backend.name for backend in self._backends)})"

    async def __call__(self, connection: Any) -> Subject | None:
        """Find the person. Raises what the backends raise, ``TwoPeople``, and ``Unreadable``."""
        scope = connection.scope
        if self._reads_header:
            authorization_token(scope, self._other_schemes)
        shown = [(backend, await backend.transport.scheme(connection)) for backend in self._backends]
        tokens = [(backend, token) for backend, token in shown if token is not None]
        tokens += [(backend, token) for token in named_tokens(scope, self._places) for backend in self._backends]
        strays = stray_tokens(scope, self._read_here)
        if not tokens and not strays:
            return None
        async with self._user_manager() as manager:
            found = [await self._read(backend, token, manager) for backend, token in tokens]
            subject = agreed([one for one in found if one is not None])
            for place, token in strays:
                for backend in self._backends:
                    other = await self._read(backend, token, manager)
                    if other is not None and (subject is None or other.key != subject.key):
                        raise Unreadable(f"a good token stands in {place}, which FastAPIUsers(...) does not name")
        return subject

    def _subject(self, user: Any, token: str) -> Subject:
        return Subject(
            id=as_text(str(user.id), "id"),
            tenant=as_text(attribute(user, self._tenant), "tenant") if self._tenant else "default",
            groups=as_groups(attribute(user, self._groups)) if self._groups else frozenset(),
            session=token_session(token, self._key),
        )

    async def _read(self, backend: Any, token: str, manager: Any) -> Subject | None:
        made = self._strategies.get(backend.name)
        if made is not None:
            async with made() as strategy:
                user = await strategy.read_token(token, manager)
        else:
            strategy = backend.get_strategy()
            if inspect.isawaitable(strategy):
                strategy = await strategy
            user = await strategy.read_token(token, manager)
        return self._subject(user, token) if user is not None else None


def _reads_header(backend: Any) -> bool:
    from fastapi_users.authentication import BearerTransport

    return isinstance(backend.transport, BearerTransport)


def _cookie_of(backend: Any) -> tuple[str, ...]:
    from fastapi_users.authentication import CookieTransport

    return (backend.transport.cookie_name,) if isinstance(backend.transport, CookieTransport) else ()
