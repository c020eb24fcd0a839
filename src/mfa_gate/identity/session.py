"""Find the user in Starlette's session, or in a session cookie that the gate opens itself."""

from __future__ import annotations

import json
import logging
from base64 import b64decode
from collections.abc import Callable, Mapping, MutableMapping
from functools import partial
from typing import Any, Final

from ..core.model import Subject, Upstream
from ..errors import SettingsError
from .credentials import Unreadable
from .values import Absent, Fold, WiringFault, as_groups, as_text, check_names, dig, folded, upstream_of

log = logging.getLogger("mfa_gate")

MAX_SUBJECTS = 4096
MAX_NAMED = 10
"""The most keys of a session that the log names, each cut to forty letters."""
UNNAMED: Final = -(1 << 62)
"""No limit that anybody would name."""
_Rest = tuple[object, object, object, Upstream | None, object]
_NOTHING: _Rest = (None, None, None, None, None)


class SessionUser:
    """Read the user from Starlette's session.

    ``SessionUser("user_id", tenant="org", groups="groups")``. ``user`` is the key of the user's id (dotted for a nested
    one: ``"user.sub"``, as Authlib's ``userinfo`` is kept); the others name the keys of tenant, groups and the id of
    the sign-in session, dotted or not. A missing tenant is ``"default"``. A session without the user's key is
    anonymous; while nobody was found, the log names once the keys that sessions do have. ``fold`` (``str.casefold``)
    makes one id of several spellings. ``amr``, ``acr`` and ``auth_time`` (dotted) name the keys with the word of an
    OpenID provider on the sign-in; it counts as a proof if the policy trusts it. ``actor`` (dotted) names the key with
    the id of the person who is really there while ``user`` is impersonated: the actor is judged then.
    ``SessionMiddleware`` must run before the gate: it is added to the app after ``gate.install(app)``.

    If the session lives inside a mounted app, its middleware cannot run before the gate. Then give its ``secret_key``, and
    its ``session_cookie`` and ``max_age`` (seconds, None for no end) as ``cookie`` and ``max_age``, and the gate opens the
    cookie as that middleware does. ``max_age`` has no default: it is the one of that middleware (Starlette's own is
    ``14 * 24 * 3600``). A cookie with a good signature that is too old, or holds no session, is refused and not taken for
    anonymous. Raises ``SettingsError`` for an empty ``secret_key``, or one without ``max_age``.
    """

    def __init__(
        self,
        user: str,
        *,
        tenant: str = "",
        groups: str = "",
        session: str = "",
        actor: str = "",
        amr: str = "",
        acr: str = "",
        auth_time: str = "",
        secret_key: object = None,
        cookie: str = "session",
        max_age: int | None = UNNAMED,
        fold: Fold | None = None,
    ) -> None:
        more = {"tenant": tenant, "groups": groups, "session": session, "actor": actor, "cookie": cookie}
        check_names("SessionUser", {"user": user}, **more, amr=amr, acr=acr, auth_time=auth_time)
        self._user = user
        self._tenant = tenant
        self._groups = groups
        self._session = session
        self._actor = actor
        self.names_session = bool(session)
        self._login = (amr, acr, auth_time)
        self._flat = "." not in user
        self._is_flat = not any("." in name for name in (tenant, groups, session))
        self._more = bool(tenant or groups or session or auth_time or actor)
        self._fold = fold
        self._known: dict[object, Subject] = {}
        # Looked up for each kind of session, not for each request. A marked session makes the answer say Vary: Cookie.
        self._kind: type | None = None
        self._is_marked = False
        self.leaves_no_mark: Callable[[Subject], bool] | None = None
        self._keys: tuple[str, ...] = ()
        self._absent = Absent(self)
        self._cookie = _Cookie(str(secret_key), cookie, max_age) if secret_key is not None else None
        self.needs_session = self._cookie is None

    def __repr__(self) -> str:
        return f"SessionUser({self._user!r})"

    def subject_of(self, scope: Mapping[str, Any]) -> Subject | None:
        """Find the person on a connection with this scope.

        Raises ``SettingsError`` if no session was opened.
        """
        session: Any = scope.get("session") if self._cookie is None else self._cookie.open(scope)
        if session is None:
            raise WiringFault(
                "identify: there is no session in the request, so nobody can be told apart: SessionMiddleware must be "
                "outside the gate; add it after gate.install(app): app.add_middleware(SessionMiddleware, secret_key=...)"
            )
        user = session.get(self._user) if self._flat else dig(session, self._user)
        if user is None or user == "":
            if session and not self._known and not self._keys:
                self._tell_keys(session)
            return None
        if type(session) is not self._kind:
            self._kind, self._is_marked = type(session), hasattr(session, "mark_accessed")
        key: object = user
        rest = _NOTHING
        if self._more:
            rest = self._rest(session)
            key = (user, rest)
        try:
            subject = self._known[key]
        except KeyError:
            subject = self._learn(key, user, *rest)
        except TypeError as error:
            raise ValueError("the session's user, tenant and groups must be plain values") from error
        if self._is_marked and (self.leaves_no_mark is None or not self.leaves_no_mark(subject)):
            session.mark_accessed()
        return subject

    def _tell_keys(self, session: Mapping[str, Any]) -> None:
        """Log the keys of sessions without a user: a wrong key would leave the app open."""
        self._keys = tuple(str(key)[:40] for key in session)[:MAX_NAMED]
        log.warning(
            "mfa_gate: %r has found nobody signed in so far, but there is a session with the keys %s. If one of them holds the "
            "user, name it: until then nobody is asked for a second factor",
            self,
            ", ".join(map(repr, self._keys)),
        )

    @property
    def unnamed(self) -> tuple[str, ...]:
        """List the keys of sessions in which nobody was found; none once somebody was."""
        return () if self._known else self._keys

    def sees_user(self, scope: Mapping[str, Any]) -> bool:
        """Tell if a session that was opened inside the gate came with a user (S-14).

        A user that the session was just given does not count.
        """
        session = scope.get("session")
        user = dig(session, self._user)
        if user in (None, ""):
            return False
        modified = getattr(session, "modified", None)
        return self._came_with(scope, user) if modified is None else not modified

    def _came_with(self, scope: Mapping[str, Any], user: object) -> bool:
        """Tell if a cookie of the request names ``user`` already.

        Sessions of Starlette before 1.0 do not tell if they were written. What their cookies hold can be read without the key.
        """
        from starlette.requests import HTTPConnection

        for value in HTTPConnection(dict(scope)).cookies.values():
            try:
                held = json.loads(b64decode(value.partition(".")[0]))
            except ValueError:
                continue
            if isinstance(held, Mapping) and dig(held, self._user) == user:
                return True
        return False

    def _rest(self, session: Mapping[str, Any]) -> _Rest:
        """Read the rest of the subject: tenant, groups, sign-in session, the provider's word."""
        read: Callable[[str], object] = session.get if self._is_flat else partial(dig, session)
        tenant = read(self._tenant) if self._tenant else None
        groups = read(self._groups) if self._groups else None
        sign_in = read(self._session) if self._session else None
        upstream = self._upstream(session) if self._login[2] else None
        actor = dig(session, self._actor) if self._actor else None
        return tenant, tuple(groups) if isinstance(groups, list) else groups, sign_in, upstream, actor

    def _learn(
        self,
        key: object,
        user: object,
        tenant: object,
        groups: object,
        sign_in: object,
        upstream: Upstream | None,
        actor: object,
    ) -> Subject:
        if self._tenant and tenant is None:
            self._absent.tell("tenant", self._tenant)
        if self._groups and groups is None:
            self._absent.tell("groups", self._groups)
        subject = Subject(
            id=folded(as_text(user, self._user), self._fold),
            tenant="default" if tenant is None else as_text(tenant, self._tenant),
            groups=as_groups(groups),
            session="" if sign_in is None else as_text(sign_in, self._session),
            upstream=upstream,
            actor="" if actor in (None, "") else folded(as_text(actor, self._actor), self._fold),
        )
        if len(self._known) >= MAX_SUBJECTS:
            self._known.clear()
        self._known[key] = subject
        return subject

    def _upstream(self, session: Mapping[str, Any]) -> Upstream | None:
        amr, acr, auth_time = (dig(session, path) if path else None for path in self._login)
        return upstream_of(amr, acr, auth_time)

    async def __call__(self, connection: Any) -> Subject | None:
        """Find the person on an ``HTTPConnection``, as ``subject_of`` does."""
        return self.subject_of(connection.scope)


class _Cookie:
    """Open the cookie of a ``SessionMiddleware`` by the same parser and signer (S-12)."""

    def __init__(self, secret_key: str, name: str, max_age: int | None) -> None:
        from itsdangerous import Signer, TimestampSigner

        if not secret_key:
            raise SettingsError("identify: secret_key is empty; give the one of the mounted app's SessionMiddleware")
        if max_age == UNNAMED:
            raise SettingsError(
                "identify: SessionUser(secret_key=...) needs max_age=, the one of the mounted app's SessionMiddleware: "
                "14 * 24 * 3600 where that names none, None for no limit"
            )
        self._signer = TimestampSigner(secret_key)
        self._plain = Signer(secret_key)
        self._name = name
        self._max_age = max_age

    def open(self, scope: Mapping[str, Any]) -> MutableMapping[str, Any]:
        """Open the session; an empty one for no cookie, or for none that this key has signed.

        Raises ``Unreadable`` for a cookie that the key has signed and that is too old, or no session: the app may read it.
        """
        from itsdangerous import BadSignature
        from starlette.requests import HTTPConnection

        text = HTTPConnection(dict(scope)).cookies.get(self._name)
        if text is None:
            return {}
        value = text.encode("utf-8")
        if not self._plain.validate(value):
            return {}
        try:
            session = json.loads(b64decode(self._signer.unsign(value, max_age=self._max_age)))
        except (BadSignature, ValueError) as error:
            raise Unreadable(f"the session cookie is signed, and cannot be used: {type(error).__name__}") from error
        if not isinstance(session, dict):
            raise Unreadable("the session cookie is signed, and its session is no object")
        return session
