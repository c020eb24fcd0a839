"""Find the user that Starlette's ``AuthenticationMiddleware`` found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..core.model import Subject
from .values import Fold, WiringFault, as_groups, as_text, attribute, check_names, folded, upstream_of, word_of_provider


class RequestUser:
    """Read ``scope["user"]`` of ``AuthenticationMiddleware``, if it ``is_authenticated``.

    ``id`` names the attribute with the opaque id; ``tenant`` and ``groups`` name attributes too, or are functions of the
    user. ``groups`` defaults to the scopes of ``scope["auth"]``. ``amr``, ``acr`` and ``auth_time`` name the attributes with
    the word of an OpenID provider on the sign-in; it counts if the policy trusts it. ``fold`` (``str.casefold``) makes one id
    of several spellings. The middleware must run before the gate.
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
        fold: Fold | None = None,
    ) -> None:
        given = {"tenant": tenant, "groups": groups, "amr": amr, "acr": acr, "auth_time": auth_time}
        check_names("RequestUser", {"id": id}, session=session, **{k: v for k, v in given.items() if not callable(v)})
        self._id = id
        self._tenant = tenant
        self._groups = groups
        self._session = session
        self.names_session = bool(session)
        self._login = (amr, acr, auth_time)
        self._fold = fold

    def __repr__(self) -> str:
        return f"RequestUser({self._id!r})"

    needs_authentication = True

    def subject_of(self, scope: Mapping[str, Any]) -> Subject | None:
        """Find the person.

        Raises ``SettingsError`` if the middleware has not run, or if the user does not say ``is_authenticated``.
        """
        if "user" not in scope:
            raise WiringFault(
                "identify: nobody has authenticated the request: AuthenticationMiddleware must be outside the gate; add it "
                "after gate.install(app): app.add_middleware(AuthenticationMiddleware, backend=...)"
            )
        user = scope["user"]
        if user is None or user == "":
            return None
        if not hasattr(user, "is_authenticated"):
            raise WiringFault(
                f"identify: scope['user'] is a {type(user).__name__} without is_authenticated, so nobody can tell whether "
                "somebody is signed in; derive it from starlette.authentication.BaseUser"
            )
        if not user.is_authenticated:
            return None
        auth = scope.get("auth")
        groups = attribute(user, self._groups) if self._groups else getattr(auth, "scopes", ())
        return Subject(
            id=folded(as_text(attribute(user, self._id), self._id), self._fold),
            tenant=as_text(attribute(user, self._tenant), "tenant") if self._tenant else "default",
            groups=as_groups(groups),
            session=as_text(attribute(user, self._session), self._session) if self._session else "",
            upstream=upstream_of(*(word_of_provider(user, what) for what in self._login)),
        )

    async def __call__(self, connection: Any) -> Subject | None:
        """Find the person on an ``HTTPConnection``, as ``subject_of`` does."""
        return self.subject_of(connection.scope)
