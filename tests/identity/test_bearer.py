"""``BearerJWT`` over PyJWT, as an app would use it."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from typing import Any

import jwt
import pytest

from mfa_gate import Subject
from mfa_gate.identity import BearerJWT, FirstOf, SessionUser, Unreadable

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
    """Return the person that the adapter finds."""
    return await adapter(**more)(connection(("Authorization", f"{scheme} {text}")))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_good_token_is_somebody(scheme: str) -> None:
    """Id, tenant, groups and session are claims; the scheme is read in any case."""
    assert await who(token(), scheme) == Subject("ann", "clinic", frozenset({"a"}), "sid:s1")


@pytest.mark.parametrize(
    "text",
    [token(exp=1), token(aud="other"), token() + "x", jwt.encode(CLAIMS, "o" * 32, "HS256"), "x.y.z"],
)
async def test_a_token_that_is_not_good_is_nobody(text: str) -> None:
    """A token that the host's verifier rejects is nobody, for the gate as for the app."""
    assert await who(text) is None


async def test_other_schemes_are_not_its_business() -> None:
    """Basic, or no header at all."""
    assert await who("YTpi", "Basic") is None
    assert await adapter()(connection()) is None


@pytest.mark.parametrize(
    "changes",
    [{"sub": None}, {"sub": ["ann"]}, {"sub": ""}, {"groups": 3}, {"groups": [{"name": "a"}]}, {"groups": [["a"]]}],
)
async def test_claims_that_name_nobody_are_refused(changes: dict[str, Any]) -> None:
    """A verified token that names nobody is a fault and no anonymous request."""
    with pytest.raises((ValueError, jwt.InvalidTokenError)):
        await BearerJWT(lambda _: {**CLAIMS, **changes}, groups="groups")(connection(("authorization", "Bearer x")))


async def test_two_headers_are_refused() -> None:
    """S-12: of two tokens app and gate might read another one each."""
    with pytest.raises(Unreadable, match="two Authorization"):
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
    """D-7: ``sid``, else ``jti``, else a keyed hash of the token names the sign-in.

    The hash changes with token and key, and shows neither.
    """
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
    """S-13: a cookie is asked for as well as a token.

    Where they name two people the request is refused.
    """
    both = FirstOf(adapter(), SessionUser("user", tenant="org", groups="groups"))
    bearer = ("authorization", f"Bearer {token()}")
    ann = {"user": "ann", "org": "clinic", "groups": ["a"]}
    assert await both(connection(session={})) is None
    assert (await both(connection(bearer, session={}))) == Subject("ann", "clinic", frozenset({"a"}), "sid:s1")
    assert (await both(connection(session=ann))) == Subject("ann", "clinic", frozenset({"a"}))
    assert (await both(connection(bearer, session=ann))) == Subject("ann", "clinic", frozenset({"a"}), "sid:s1")
    with pytest.raises(Unreadable, match="different people"):
        await both(connection(bearer, session={**ann, "user": "bob"}))
    assert both.needs_session


@pytest.mark.parametrize("groups", [[], ["b"], ["a", "b"]], ids=str)
async def test_first_of_refuses_other_groups(groups: list[str]) -> None:
    """S-12: two answers with different groups are refused, in either order.

    The groups of one could exempt a person whom the app serves by the other one.
    """
    bearer = ("authorization", f"Bearer {token()}")
    session = {"user": "ann", "org": "clinic", "groups": groups}
    ways = (adapter(), SessionUser("user", tenant="org", groups="groups"))
    for both in (FirstOf(*ways), FirstOf(*reversed(ways))):
        with pytest.raises(Unreadable, match="different groups"):
            await both(connection(bearer, session=session))


async def test_first_of_takes_the_weaker_sign_in() -> None:
    """S-12: a provider's word on one sign-in does not count for a request with another one."""
    now = int(time.time())
    bearer = ("authorization", f"Bearer {token(amr=['otp'], auth_time=now)}")
    both = FirstOf(adapter(), SessionUser("user", tenant="org", groups="groups"))
    session = {"user": "ann", "org": "clinic", "groups": ["a"]}
    alone = await both(connection(bearer, session={}))
    beside = await both(connection(bearer, session=session))
    assert alone is not None
    assert beside is not None
    assert alone.upstream is not None
    assert beside.upstream is None


ODD = (
    "Bearer\t{}", "bearer  {}", "Bearer {} ", " Bearer {}", "Bearer{}", "Bearer:{}", "Bearer={}", "Bearer,{}", "Bearer {},",
    "Bearer {0} {0}", "Bearer {0},{0}", "Basic YTpi, Bearer {}", "Bearer Bearer {}", 'Bearer "{}"', "Bearer token={}",
    "Bearer\x0b{}", "Bearer\xa0{}", "B\xe9arer {}", "Token {}", "JWT {}", "{}", "Basic {}", "Basic  {}", "Digest {}",
    "Negotiate {}", "X {}", "Bearer", "bearer ",
)  # fmt: skip


@pytest.mark.parametrize("form", ODD, ids=ascii)
async def test_other_forms_are_refused(form: str) -> None:
    """A value that an app could cut in another way is refused, and never nobody.

    Requirement S-12.
    """
    sent = connection()
    sent.scope["headers"].append((b"authorization", form.format(token()).encode("latin-1")))
    with pytest.raises(Unreadable):
        await adapter()(sent)


@pytest.mark.parametrize("value", ["Basic YTpi", "basic YTpi", "Negotiate YII=", "NTLM TlRMTVNTUAABAAAA", "", " "])
async def test_other_schemes_pass(value: str) -> None:
    """Leave alone a header that cannot be a token."""
    assert await adapter()(connection(("authorization", value))) is None


async def test_a_scheme_of_another_adapter() -> None:
    """The developer names the schemes that something else reads."""
    assert await adapter(other_schemes="Token")(connection(("authorization", "token 1|abc"))) is None
    with pytest.raises(Unreadable):
        await adapter()(connection(("authorization", "token 1|abc")))


PLACES = {"query": "token", "cookie": ("access_token", "t"), "header": "X-Auth-Token"}
STANDS: tuple[tuple[list[tuple[str, str]], bytes], ...] = (
    ([("authorization", "Bearer {}")], b""),
    ([("x-auth-token", "{}")], b""),
    ([("X-Auth-Token", "bearer {}")], b""),
    ([("cookie", "a=b; access_token={}")], b""),
    ([("cookie", "a=b"), ("cookie", 't="Bearer {}"')], b""),
    ([], b"a=b&token={}"),
    ([], b"%74oken=Bearer+{}"),
)


def evidence(place: int, text: str) -> tuple[list[tuple[str, str]], bytes]:
    """Headers and query with the token at one of the places."""
    headers, query = STANDS[place]
    return [(name, value.format(text)) for name, value in headers], query.replace(b"{}", text.encode())


@pytest.mark.parametrize("place", range(len(STANDS)))
async def test_named_places(place: int) -> None:
    """S-13: a token is read at every place that the developer names, websockets included."""
    headers, query = evidence(place, token())
    for kind in ("http", "websocket"):
        found = await adapter(**PLACES)(connection(*headers, query_string=query, type=kind))
        assert found == Subject("ann", "clinic", frozenset({"a"}), "sid:s1")


@pytest.mark.parametrize(("one", "two"), [(a, b) for a in range(len(STANDS)) for b in range(a)])
async def test_two_places_are_refused(one: int, two: int) -> None:
    """S-12: of tokens at two places gate and app might believe another one each."""
    headers, query = evidence(one, token())
    more, other = evidence(two, token(sub="bob"))
    with pytest.raises(Unreadable):
        await adapter(**PLACES)(connection(*headers, *more, query_string=b"&".join(filter(None, (query, other)))))


@pytest.mark.parametrize("place", range(1, len(STANDS)))
async def test_a_good_token_at_a_place_that_is_not_named(place: int) -> None:
    """S-13, S-14: it is refused, and the log can name the place.

    A token that is not good is nobody's.
    """
    headers, query = evidence(place, token())
    with pytest.raises(Unreadable, match="does not name"):
        await adapter()(connection(*headers, query_string=query))
    headers, query = evidence(place, token(aud="other"))
    assert await adapter()(connection(*headers, query_string=query)) is None


@pytest.mark.parametrize(
    ("headers", "more"),
    [
        ([], {"path": "/ws/{}"}),
        ([("sec-websocket-protocol", "chat, {}")], {}),
        ([("sec-websocket-protocol", "access_token.{}, chat")], {}),
        ([("sec-websocket-protocol", "chat, app.example.v1.bearer-{}")], {}),
        ([("sec-websocket-protocol", "base64url.bearer.authorization.k8s.io.{twice}, chat")], {}),
        ([], {"query_string": b"jwt={twice}"}),
        ([("authorization", "Basic {basic}")], {}),
        ([("x-session", "v1:{}:0")], {}),
        ([("x-access-token", "JWT {}")], {}),
        ([], {"query_string": b"{}"}),
        ([], {"query_string": b"jwt=%65{cut}"}),
        ([], {"query_string": b"jwt={}%20"}),
        ([("cookie", 'jwt="\\145{cut}"')], {}),
    ],
)
async def test_no_place_hides_a_good_token(headers: list[tuple[str, str]], more: dict[str, Any]) -> None:
    """S-13: no place hides a good token.

    The path, a subprotocol with a prefix or without, other headers, base64 once more, the password of Basic, and spellings
    that servers and frameworks decode are tried.
    """
    text = token()
    twice = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    basic = base64.b64encode(f"token:{text}".encode()).decode()

    def put(value: Any) -> Any:
        if isinstance(value, bytes):
            value = value.replace(b"{twice}", twice.encode())
            return value.replace(b"{}", text.encode()).replace(b"{cut}", text[1:].encode())
        value = value.replace("{twice}", twice).replace("{basic}", basic)
        return value.replace("{}", text).replace("{cut}", text[1:])

    sent = connection(
        *((name, put(value)) for name, value in headers), **{name: put(value) for name, value in more.items()}
    )
    with pytest.raises(Unreadable, match="does not name"):
        await adapter()(sent)


async def test_a_token_of_somebody_else_beside_ones_own() -> None:
    """S-12: a bearer token of Ann's with Bob's in the query is refused.

    Ann's own in both is no harm.
    """
    bearer = ("authorization", f"Bearer {token()}")
    with pytest.raises(Unreadable, match="does not name"):
        await adapter()(connection(bearer, query_string=f"token={token(sub='bob')}".encode()))
    with pytest.raises(Unreadable, match="does not name"):
        await adapter()(connection(bearer, query_string=f"token={token(groups=['b'])}".encode()))
    assert await adapter()(connection(bearer, query_string=f"token={token()}".encode())) is not None


async def test_what_is_no_token_is_not_verified() -> None:
    """A signed session cookie has two dots as well; it is not shown to the verifier.

    Nor are dozens of tokens.
    """
    seen: list[str] = []
    session = base64.urlsafe_b64encode(json.dumps({"user": "ann", "more": "x"}).encode()).decode()
    mine = BearerJWT(lambda text: seen.append(text))
    assert await mine(connection(("cookie", f"session={session}.aaa.bbb"), query_string=b"v=1.2.3&q=a.b.c")) is None
    assert seen == []
    many = "&".join(f"t{n}={token()}" for n in range(20))
    with pytest.raises(Unreadable, match="more tokens"):
        await mine(connection(query_string=many.encode()))
    assert seen == []


async def test_names_in_the_log_are_short() -> None:
    """S-124: the name of a place is the caller's own text; it is cut and quoted."""
    with pytest.raises(Unreadable) as refused:
        await adapter()(connection(query_string=f"{'x' * 500}%0a={token()}".encode()))
    assert len(str(refused.value)) < 200
    assert "\n" not in str(refused.value)


async def test_ids_that_are_folded() -> None:
    """S-40: one person under every spelling."""
    for name in ("ANN", "Ann", "ann"):
        found = await adapter(fold=str.casefold)(connection(("authorization", f"Bearer {token(sub=name)}")))
        assert found is not None
        assert found.id == "ann"


async def test_the_actor_is_the_outermost_one() -> None:
    """RFC 8693, 4.1: ``act.sub`` is who is there now.

    A chain behind it says nothing about that.
    """
    claims = {"act": {"sub": "bob", "act": {"sub": "eve"}}}
    expected = Subject("ann", "clinic", frozenset({"a"}), "sid:s1")
    assert await who(token(**claims), actor="act.sub") == replace(expected, actor="bob")
    assert await who(token(), actor="act.sub") == expected
    assert await who(token(**claims)) == expected
    for odd in ({"sub": ["bob"]}, {"sub": ""}, {"sub": " bob"}):
        with pytest.raises(Unreadable):
            await who(token(act=odd), actor="act.sub")
