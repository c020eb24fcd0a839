"""Who is signed in: adapters for where hosts keep their user."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .core.model import Subject
from .errors import SettingsError

__all__ = ["RequestUser", "SessionUser"]

MAX_SUBJECTS = 4096


class WiringFault(SettingsError):
    """The middleware stack is in the wrong order: what tells who is signed in has not run when the gate asks."""


def dig(value: object, path: str) -> object:
    """The value at a dotted path of mappings, or None where a part is missing."""
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def as_text(value: object, what: str) -> str:
    """An id as text: a non-empty string, or an integer in its decimal form. Raises ``ValueError`` for anything else."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"{what} must be a non-empty str or an int, not {type(value).__name__}")


def as_groups(value: object) -> frozenset[str]:
    """Groups as a set: None, one name, or several. Raises ``ValueError`` for anything else."""
    if value is None:
        return frozenset()
    if isinstance(value, str):
        return frozenset((value,))
    if isinstance(value, Iterable):
        groups = frozenset(value)
        if all(isinstance(group, str) for group in groups):
            return groups
    raise ValueError("groups must be a list of str")


class SessionUser:
    """The user in Starlette's session: ``SessionUser("user_id", tenant="org", groups="groups")``.

    ``user`` is the key of the user's id (dotted for a nested one: ``"user.sub"``); the others name the keys of tenant,
    groups and the id of the sign-in session. A missing tenant is ``"default"``. ``SessionMiddleware`` must run before the
    gate: it is added to the app after ``gate.install(app)``. A session without that key is nobody.
    """

    def __init__(self, user: str, *, tenant: str = "", groups: str = "", session: str = "") -> None:
        self._user = user
        self._tenant = tenant
        self._groups = groups
        self._session = session
        self._flat = "." not in user
        self._known: dict[tuple[object, ...], Subject] = {}

    def __repr__(self) -> str:
        return f"SessionUser({self._user!r})"

    needs_session = True

    def subject_of(self, scope: Mapping[str, Any]) -> Subject | None:
        """Who is signed in on a connection with this scope. Raises ``SettingsError`` where no session was opened."""
        session = scope.get("session")
        if session is None:
            raise WiringFault(
                "identify: there is no session in the request, so nobody can be told apart: SessionMiddleware must be "
                "outside the gate; add it after gate.install(app): app.add_middleware(SessionMiddleware, secret_key=...)"
            )
        user = session.get(self._user) if self._flat else dig(session, self._user)
        if user is None or user == "":
            return None
        tenant = session.get(self._tenant) if self._tenant else None
        groups = session.get(self._groups) if self._groups else None
        sign_in = session.get(self._session) if self._session else None
        if hasattr(session, "mark_accessed"):
            session.mark_accessed()
        key = (user, tenant, tuple(groups) if isinstance(groups, list) else groups, sign_in)
        try:
            known = self._known.get(key)
        except TypeError as error:
            raise ValueError("the session's user, tenant and groups must be plain values") from error
        if known is not None:
            return known
        subject = Subject(
            id=as_text(user, self._user),
            tenant="default" if tenant is None else as_text(tenant, self._tenant),
            groups=as_groups(groups),
            session="" if sign_in is None else as_text(sign_in, self._session),
        )
        if len(self._known) >= MAX_SUBJECTS:
            self._known.clear()
        self._known[key] = subject
        return subject

    async def __call__(self, connection: Any) -> Subject | None:
        """The same, for an ``HTTPConnection``."""
        return self.subject_of(connection.scope)


class RequestUser:
    """The user that ``AuthenticationMiddleware`` found: ``scope["user"]``, when ``is_authenticated``.

    ``id`` names the attribute with the opaque id; ``tenant`` and ``groups`` name attributes too, or are functions of the
    user. ``groups`` defaults to the scopes of ``scope["auth"]``. The middleware must run before the gate.
    """

    def __init__(
        self,
        id: str = "identity",
        *,
        tenant: str | Callable[[Any], str] = "",
        groups: str | Callable[[Any], Iterable[str]] = "",
        session: str = "",
    ) -> None:
        self._id = id
        self._tenant = tenant
        self._groups = groups
        self._session = session

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
        groups = _of(user, self._groups) if self._groups else getattr(auth, "scopes", ())
        return Subject(
            id=as_text(_of(user, self._id), self._id),
            tenant=as_text(_of(user, self._tenant), "tenant") if self._tenant else "default",
            groups=as_groups(groups),
            session=as_text(_of(user, self._session), self._session) if self._session else "",
        )

    def sees_user(self, scope: Mapping[str, Any]) -> bool:
        """Whether somebody inside the gate has found a user where the gate saw nobody (S-14)."""
        return bool(getattr(scope.get("user"), "is_authenticated", False))

    async def __call__(self, connection: Any) -> Subject | None:
        """The same, for an ``HTTPConnection``."""
        return self.subject_of(connection.scope)


def _of(user: Any, what: str | Callable[[Any], Any]) -> Any:
    return what(user) if callable(what) else getattr(user, what, None)
