"""``BearerJWT`` over PyJWT, as an app would use it."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest

from mfa_gate import Subject
from mfa_gate.identity import BearerJWT, FirstOf, SessionUser

from .connections import connection

KEY = "k" * 32
CLAIMS = {"sub": "ann", "aud": "app", "org": {"id": "clinic"}, "groups": ["a"], "sid": "s1", "jti": "j1"}


def token(**changes: Any) -> str:
    """A token of the host's, with these claims changed (None: left out)."""
    claims = {**CLAIMS, "exp": int(time.time()) + 60, **changes}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, KEY, "HS256")


def verify(text: str) -> dict[str, Any]:
    """The host's own verifier."""
    found: dict[str, Any] = jwt.decode(text, KEY, algorithms=["HS256"], audience="app")
    return found


def adapter(**more: Any) -> BearerJWT:
    """The adapter of these tests."""
    return BearerJWT(verify, tenant="org.id", groups="groups", rejects=(jwt.InvalidTokenError,), **more)


async def who(text: str, scheme: str = "Bearer", **more: Any) -> Subject | None:
    """Whom the adapter finds."""
    return await adapter(**more)(connection(("Authorization", f"{scheme} {text}")))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_good_token_is_somebody(scheme: str) -> None:
    """Id, tenant, groups and session are claims; the scheme is read in any case."""
    assert await who(token(), scheme) == Subject("ann", "clinic", frozenset({"a"}), "sid:s1")


@pytest.mark.parametrize(
    "text",
    [token(exp=1), token(aud="other"), token() + "x", jwt.encode(CLAIMS, "o" * 32, "HS256"), "x.y.z", ""],
)
async def test_a_token_that_is_not_good_is_nobody(text: str) -> None:
    """What the host's verifier rejects is nobody, for the gate as for the app."""
    assert await who(text) is None


async def test_other_schemes_are_not_its_business() -> None:
    """Basic, or no header at all."""
    assert await who("YTpi", "Basic") is None
    assert await adapter()(connection()) is None


@pytest.mark.parametrize("changes", [{"sub": None}, {"sub": ["ann"]}, {"sub": ""}, {"groups": 3}])
async def test_claims_that_name_nobody_are_refused(changes: dict[str, Any]) -> None:
    """A verified token that names nobody is a fault and no anonymous request."""
    with pytest.raises((ValueError, jwt.InvalidTokenError)):
        await BearerJWT(lambda _: {**CLAIMS, **changes}, groups="groups")(connection(("authorization", "Bearer x")))


async def test_two_headers_are_refused() -> None:
    """S-12: of two tokens app and gate might read another one each."""
    with pytest.raises(ValueError, match="two Authorization"):
        await adapter()(connection(("Authorization", f"Bearer {token()}"), ("authorization", "Bearer x")))


async def test_a_verifier_that_fails_refuses() -> None:
    """S-1: an outage of the verifier is no anonymous request."""

    def down(_: str) -> None:
        raise ConnectionError("the keys cannot be fetched")

    with pytest.raises(ConnectionError):
        await BearerJWT(down, rejects=(jwt.InvalidTokenError,))(connection(("authorization", "Bearer x")))


async def test_a_verifier_may_be_async_and_say_none() -> None:
    """Both kinds of verifier, both ways to say no."""

    async def later(text: str) -> dict[str, Any] | None:
        return verify(text) if text != "no" else None

    mine = BearerJWT(later)
    assert await mine(connection(("authorization", "Bearer no"))) is None
    assert await mine(connection(("authorization", f"Bearer {token()}"))) is not None


async def test_what_names_the_sign_in() -> None:
    """D-7: ``sid``, else ``jti``, else a keyed hash of the token, which changes with token and key and shows neither."""
    text = token(sid=None, jti=None)
    bare, keyed = await who(text), await who(text, key=b"k")
    assert bare is not None
    assert keyed is not None
    assert (await who(token(sid=None))) == Subject("ann", "clinic", frozenset({"a"}), "jti:j1")
    assert bare.session.startswith("token:")
    assert len({bare.session, keyed.session}) == 2
    assert text not in bare.session
    assert (await who(text)) == bare


async def test_first_of_finds_both_and_refuses_two() -> None:
    """S-13: a cookie is asked for as well as a token; where they name two people the request is refused."""
    both = FirstOf(adapter(), SessionUser("user", tenant="org"))
    bearer = ("authorization", f"Bearer {token()}")
    ann = {"user": "ann", "org": "clinic"}
    assert await both(connection(session={})) is None
    assert (await both(connection(bearer, session={}))) == Subject("ann", "clinic", frozenset({"a"}), "sid:s1")
    assert (await both(connection(session=ann))) == Subject("ann", "clinic")
    assert (await both(connection(bearer, session=ann))) == Subject("ann", "clinic", frozenset({"a"}), "sid:s1")
    with pytest.raises(ValueError, match="different people"):
        await both(connection(bearer, session={"user": "bob", "org": "clinic"}))
    assert both.needs_session
