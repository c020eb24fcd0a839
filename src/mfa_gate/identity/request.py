"""The user that Starlette's ``AuthenticationMiddleware`` found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..core.model import Subject
from .values import WiringFault, as_groups, as_text, attribute, upstream_of


class RequestUser:
    """The user that ``AuthenticationMiddleware`` found: ``scope["user"]``, when ``is_authenticated``.

    ``id`` names the attribute with the opaque id; ``tenant`` and ``groups`` name attributes too, or are functions of the
    user. ``amr``, ``acr`` and ``auth_time`` are where it keeps what an OpenID provider said of the sign-in; that counts where
    the policy trusts it. ``groups`` defaults to the scopes of ``scope["auth"]``. The middleware must run before the gate.
    """

    def __init__(
        self,
        id: str = "identity",
        *,
        tenant: str | Callable[[Any], str] = "",
        groups: str | Callable[[Any], Iterable[str]] = "",
        session: str = "",
        amr: str | Callable[[Any], object] = "",
        acr: str | Callable[[Any], object] = "",
        auth_time: str | Callable[[Any], object] = "",
    ) -> None:
        self._id = id
        self._tenant = tenant
        self._groups = groups
        self._session = session
        self.names_session = bool(session)
        self._login = (amr, acr, auth_time)

    def __repr__(self) -> str:
        return f"RequestUser({self._id!r})"

    needs_authentication = True

    def subject_of(self, scope: Mapping[str, Any]) -> Subject | None:
        """Who is signed in. Raises ``SettingsError`` where nobody has looked yet."""
        if "user" not in scope:
            raise WiringFault(
                "identify: nobody has authenticated the request: AuthenticationMiddleware must be outside the gate; add it "
                "after gate.install(app): app.add_middleware(AuthenticationMiddleware, backend=...)"
            )
        user = scope["user"]
        if not getattr(user, "is_authenticated", False):
            return None
        auth = scope.get("auth")
        groups = attribute(user, self._groups) if self._groups else getattr(auth, "scopes", ())
        return Subject(
            id=as_text(attribute(user, self._id), self._id),
            tenant=as_text(attribute(user, self._tenant), "tenant") if self._tenant else "default",
            groups=as_groups(groups),
            session=as_text(attribute(user, self._session), self._session) if self._session else "",
            upstream=upstream_of(*(attribute(user, what) if what else None for what in self._login)),
        )

    def sees_user(self, scope: Mapping[str, Any]) -> bool:
        """Whether somebody inside the gate has found a user where the gate saw nobody (S-14)."""
        return bool(getattr(scope.get("user"), "is_authenticated", False))

    async def __call__(self, connection: Any) -> Subject | None:
        """The same, for an ``HTTPConnection``."""
        return self.subject_of(connection.scope)
