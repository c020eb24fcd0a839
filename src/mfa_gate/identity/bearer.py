"""The user in a bearer token, by the host's own verifier."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ..core.model import Subject
from .values import as_groups, as_text, dig, upstream_of

Claims = Mapping[str, Any]
Verify = Callable[[str], Claims | Awaitable[Claims | None] | None]


class BearerJWT:
    """``BearerJWT(verify)``: whom ``Authorization: Bearer …`` names, by the verifier that the app itself uses (S-12).

    ``verify`` takes the token and returns its claims, or None for one that is not good; it checks signature, audience,
    issuer and time, and may be async. ``rejects`` are the exceptions by which it says "not good" (``jwt.InvalidTokenError``);
    any other one refuses the request. ``user``, ``tenant`` and ``groups`` name claims (dotted for nested ones).

    The claims ``amr``, ``acr`` and ``auth_time`` count as a proof where the policy trusts them.

    The sign-in is named by the first of the claims in ``session`` that the token has (``sid``, which outlives a refresh,
    then ``jti``), else by a keyed hash of the token: a new token is then a new sign-in, and a challenge that is under way
    ends with it. A request without a bearer token is nobody; two ``Authorization`` headers are refused.
    """

    def __init__(
        self,
        verify: Verify,
        *,
        user: str = "sub",
        tenant: str = "",
        groups: str = "",
        session: tuple[str, ...] = ("sid", "jti"),
        rejects: tuple[type[Exception], ...] = (),
        key: bytes = b"",
    ) -> None:
        """``key`` (at most 64 bytes, the same in every process) keys the hash of tokens that name no session."""
        self._verify = verify
        self._user = user
        self._tenant = tenant
        self._groups = groups
        self._session = session
        self._rejects = rejects
        self._key = key

    names_session = True

    def __repr__(self) -> str:
        return f"BearerJWT(user={self._user!r})"

    async def __call__(self, connection: Any) -> Subject | None:
        """Who is signed in. Raises what ``verify`` raises, and ``ValueError`` for claims that name nobody."""
        token = bearer_token(connection.scope)
        if not token:
            return None
        try:
            found = self._verify(token)
            claims = await found if inspect.isawaitable(found) else found
        except self._rejects:
            return None
        if claims is None:
            return None
        tenant = dig(claims, self._tenant) if self._tenant else None
        return Subject(
            id=as_text(dig(claims, self._user), self._user),
            tenant="default" if tenant is None else as_text(tenant, self._tenant),
            groups=as_groups(dig(claims, self._groups)) if self._groups else frozenset(),
            session=self._session_of(claims, token),
            upstream=upstream_of(claims.get("amr"), claims.get("acr"), claims.get("auth_time")),
        )

    def _session_of(self, claims: Claims, token: str) -> str:
        for name in self._session:
            value = dig(claims, name)
            if value is not None:
                return f"{name}:{as_text(value, name)}"
        return token_session(token, self._key)


def bearer_token(scope: Mapping[str, Any]) -> str:
    """The token of a bearer request; "" where there is none. Raises ``ValueError`` for two ``Authorization`` headers,
    of which app and gate might read another one each."""
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(values) > 1:
        raise ValueError("two Authorization headers in one request")
    scheme, _, token = values[0].decode("latin-1").partition(" ") if values else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" else ""


def token_session(token: str, key: bytes) -> str:
    """A name for the sign-in that a token is all there is of: nobody can make the token of it."""
    digest = hashlib.blake2b(token.encode("utf-8", "surrogatepass"), key=key, digest_size=16, person=b"mfa_gate/bearer")
    return f"token:{digest.hexdigest()}"
