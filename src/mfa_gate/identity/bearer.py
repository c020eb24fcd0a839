"""Find the user in a token, by the host's own verifier."""

from __future__ import annotations

import hashlib
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from ..core.model import Subject
from ..errors import SettingsError
from .credentials import Refused, Unreadable, authorization_token, named_tokens, names, places_of, stray_tokens
from .values import Absent, Fold, as_groups, as_text, check_names, dig, folded, readable, upstream_of

log = logging.getLogger("mfa_gate")

Claims = Mapping[str, Any]
Verify = Callable[[str], Claims | Awaitable[Claims | None] | None]


class BearerJWT:
    """Find the person in a token by the verifier of the app: ``BearerJWT(verify)`` (S-12).

    ``verify`` takes the token and returns its claims, or None for a token that is not good. It checks signature, audience,
    issuer and time, and may be async. ``rejects`` are the exceptions by which it says "not good"
    (``jwt.InvalidTokenError``): the request is anonymous then. Without it, the refusals of PyJWT, joserfc, Authlib and
    python-jose are answered with 401. Any other exception is a fault: 503, and a line in the log. ``user``, ``tenant`` and
    ``groups`` name claims (dotted for nested ones). ``fold`` (``str.casefold``) makes one id of several spellings.

    ``Authorization: Bearer …`` is always read. Name every other place where the app takes a token: ``query="token"`` for
    websockets of browsers, ``cookie="access_token"``, ``header="X-Auth-Token"``; each is one name or several. A token in two
    places is refused, and so is each form but the one of RFC 6750. Basic, Digest and Negotiate are no tokens; name further
    schemes of that header that another adapter reads in ``other_schemes``. A good JWT at a place that is not named is
    refused, and the log names the place. A token in a body or in a message of a websocket is not seen.

    ``actor="act.sub"`` reads who acts for the person (RFC 8693, 4.1); the actor is judged then. Without it, such a token is
    taken for the person's own.

    The claims ``amr``, ``acr`` and ``auth_time`` count as a proof if the policy trusts them.

    The sign-in is named by the first of the claims in ``session`` that the token has (``sid``, which outlives a refresh,
    then ``jti``), else by a keyed hash of the token. With ``jti`` or the hash a refreshed token is a new sign-in: it ends a
    challenge that is under way, and a proof that was not to be remembered. So let the provider send ``sid``, or name another
    claim that a refresh keeps. A request without a token, or with one that ``verify`` rejects, is anonymous.
    """

    def __init__(
        self,
        verify: Verify,
        *,
        user: str = "sub",
        tenant: str = "",
        groups: str = "",
        actor: str = "",
        session: str | Sequence[str] = ("sid", "jti"),
        rejects: tuple[type[Exception], ...] = (),
        key: bytes = b"",
        header: str | Sequence[str] = (),
        query: str | Sequence[str] = (),
        cookie: str | Sequence[str] = (),
        other_schemes: str | Sequence[str] = (),
        fold: Fold | None = None,
    ) -> None:
        """Set ``key`` (at most 64 bytes) to hash the tokens that name no session.

        It must be the same in every process.
        """
        if not callable(verify):
            raise SettingsError(
                "identify: BearerJWT: verify= cannot be called; give the function that checks a token and returns its claims"
            )
        check_names("BearerJWT", {"user": user}, tenant=tenant, groups=groups, actor=actor)
        self._verify = verify
        self._user = user
        self._tenant = tenant
        self._groups = groups
        self._actor = actor
        self._session = names(session)
        self._rejects = rejects
        self._key = key
        self._places = places_of(header, query, cookie)
        self._other_schemes = names(other_schemes)
        self._fold = fold
        self._warned = False
        self._absent = Absent(self)

    names_session = True

    def __repr__(self) -> str:
        return f"BearerJWT(user={self._user!r})"

    async def __call__(self, connection: Any) -> Subject | None:
        """Find the person. Raises what ``verify`` raises, and ``Unreadable``."""
        scope = connection.scope
        tokens = [authorization_token(scope, self._other_schemes), *named_tokens(scope, self._places)]
        given = [token for token in tokens if token]
        if len(given) > 1:
            raise Unreadable("there are tokens at two places in one request")
        claims = await self._claims(given[0]) if given else None
        subject = self._subject(claims, given[0]) if claims is not None else None
        await self._refuse_strays(scope, subject)
        return subject

    async def _claims(self, token: str) -> Claims | None:
        try:
            found = self._verify(token)
            return await found if inspect.isawaitable(found) else found
        except self._rejects:
            return None
        except Exception as error:
            if not _REFUSALS.isdisjoint(_names_of(error)) and _FAULTS.isdisjoint(_names_of(error)):
                raise Refused(f"verify refused the token with {type(error).__name__}") from error
            raise

    @readable
    def _subject(self, claims: Claims, token: str) -> Subject:
        tenant = dig(claims, self._tenant) if self._tenant else None
        groups = dig(claims, self._groups) if self._groups else None
        actor = dig(claims, self._actor) if self._actor else None
        if self._tenant and tenant is None:
            self._absent.tell("tenant", self._tenant)
        if self._groups and groups is None:
            self._absent.tell("groups", self._groups)
        return Subject(
            id=folded(as_text(dig(claims, self._user), self._user), self._fold),
            tenant="default" if tenant is None else as_text(tenant, self._tenant),
            groups=as_groups(groups),
            session=self._session_of(claims, token),
            upstream=upstream_of(claims.get("amr"), claims.get("acr"), claims.get("auth_time")),
            actor="" if actor is None else folded(as_text(actor, self._actor), self._fold),
        )

    def _session_of(self, claims: Claims, token: str) -> str:
        for name in self._session:
            value = dig(claims, name)
            if value is not None:
                return f"{name}:{as_text(value, name)}"
        return token_session(token, self._key)

    async def _refuse_strays(self, scope: Mapping[str, Any], subject: Subject | None) -> None:
        """Refuse a good token at a place that is not named, unless it is the same person's.

        The app may read it there.
        """
        for place, token in stray_tokens(scope, self._places):
            try:
                claims = await self._claims(token)
            except Refused:
                continue  # the verifier has refused it, in its library's own words
            except Exception as error:
                # It may be a token for another verifier; this verifier may answer anything to such a token.
                self._warn(
                    f"a token in {place} could not be verified ({type(error).__name__}); is it missing in rejects=?"
                )
                continue
            if claims is not None and not _is_same(self._subject(claims, token), subject):
                raise Unreadable(
                    f"a good token stands in {place}, which BearerJWT(...) does not name (header=, query=, cookie=)"
                )

    def _warn(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            log.warning("mfa_gate: %s", text)


_REFUSALS = frozenset(
    [
        "jwt.exceptions.InvalidTokenError",
        "jwt.exceptions.PyJWKClientError",
        "joserfc.errors.JoseError",
        "authlib.common.errors.AuthlibBaseError",
        "jose.exceptions.JOSEError",
    ]
)
"""How the usual libraries say that a token is not good: PyJWT, joserfc, Authlib, python-jose."""
_FAULTS = frozenset(["jwt.exceptions.PyJWKClientConnectionError"])
"""What is none of the token's doing: the provider's keys could not be fetched."""


def _names_of(error: Exception) -> set[str]:
    return {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}


def _is_same(one: Subject, other: Subject | None) -> bool:
    return other is not None and (one.key, one.actor, one.groups) == (other.key, other.actor, other.groups)


def token_session(token: str, key: bytes) -> str:
    """Name a sign-in by its token: a hash, from which nobody can make the token."""
    digest = hashlib.blake2b(token.encode("utf-8", "surrogatepass"), key=key, digest_size=16, person=b"mfa_gate/bearer")
    return f"token:{digest.hexdigest()}"
