"""``BearerJWT`` over PyJWT, as an app would use it."""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import replace
from typing import Any

import jwt
import pytest

from mfa_gate import SettingsError, Subject
from mfa_gate.identity import BearerJWT, FirstOf, SessionUser, Unreadable
from mfa_gate.identity.credentials import shows_bearer

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
    assert re.fullmatch("token:[0-9a-f]{32}", bare.session)
    assert BearerJWT(verify).names_session
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
    "Bearer\x0b{}", "Bearer\xa0{}", "B\xe9arer {}", "Token {}", "JWT {}", "{}", "Basic {}", "Basic YT.pi", "Basic  {}", "Digest {}",
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


@pytest.mark.parametrize(
    "value",
    [
        *("Basic YTpi", "basic YTpi", "Negotiate YII=", "NTLM TlRMTVNTUAABAAAA", "", " "),
        'Digest username="ann", nonce="n", response="r"',
    ],
)
async def test_other_schemes_pass(value: str) -> None:
    """Leave alone a header that cannot be a token."""
    assert await adapter()(connection(("authorization", value))) is None


async def test_a_scheme_of_another_adapter() -> None:
    """The developer names the schemes that something else reads, whatever is in them."""
    inside = base64.b64encode(f"x:{token()}".encode()).decode()
    assert await adapter(other_schemes="Token")(connection(("authorization", f"token {inside}"))) is None
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
        ([("cookie", "session=%7B%22access_token%22%3A%22{}%22%7D")], {}),
        ([("cookie", "session={}|refresh")], {}),
        ([("x-session", "({})")], {}),
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
    head, _, rest = token().partition(".")
    long = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "x": "x" * 3100}).encode()).decode().rstrip("=")
    for text in (f"{head}.x", f"{long}.x.y", "abcdefgh.x.y", f"{head[1:]}.{rest}"):
        assert await mine(connection(query_string=f"q={text}".encode())) is None
    assert seen == []
    longest = base64.urlsafe_b64encode(b'{"alg": "x"' + b" " * (3072 - 12) + b"}").decode()
    assert await mine(connection(query_string=f"q={longest}.x.y".encode())) is None
    assert (len(longest), seen) == (4096, [f"{longest}.x.y"])


@pytest.mark.parametrize(("number", "looked_at"), [(8, True), (9, False)])
async def test_so_many_tokens_are_looked_at(number: int, looked_at: bool) -> None:
    """Up to eight texts like a token are shown to the verifier.

    A request with more is refused unseen.
    """
    seen: list[str] = []
    mine, given = BearerJWT(lambda text: seen.append(text)), [token(jti=f"j{n}") for n in range(number)]
    sent = connection(query_string="&".join(f"t{n}={text}" for n, text in enumerate(given)).encode())
    if looked_at:
        assert await mine(sent) is None
    else:
        with pytest.raises(Unreadable, match="more tokens"):
            await mine(sent)
    assert seen == (given if looked_at else [])


@pytest.mark.parametrize(("left", "more"), [(0, ""), (1, ""), (2, ""), (0, "A")])
async def test_a_token_in_base64_of_any_length(left: int, more: str) -> None:
    """S-13: a token that is in base64 once more is found.

    It may have no padding, or a letter too many.
    """
    text = next(text for n in range(12) if len(text := token(sub="a" * (n + 1))) % 3 == left)
    twice = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    with pytest.raises(Unreadable, match="does not name"):
        await adapter()(connection(query_string=f"jwt={twice}{more}".encode()))


BEHIND = {jwt.InvalidTokenError: "", TimeoutError: "TimeoutError", ValueError: "ValueError"}
"""What a verifier may raise for a token that is another one's, and the word in the log."""


@pytest.mark.parametrize("raised", BEHIND)
async def test_a_good_token_behind_one_that_cannot_be_verified(
    raised: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    """S-13: every text like a token is looked at.

    A verifier that fails is told once, with the place and the error.
    """
    other = token(sub="other")

    def choosy(text: str) -> dict[str, Any]:
        if text == other:
            raise raised("not mine")
        return verify(text)

    mine = BearerJWT(choosy, tenant="org.id", groups="groups")
    for _ in range(2):
        assert await mine(connection(query_string=f"a={other}".encode())) is None
        with pytest.raises(Unreadable, match="'b', which BearerJWT"):
            await mine(connection(query_string=f"a={other}&b={token()}".encode()))
    told = [record.getMessage() for record in caplog.records if "could not be verified" in record.getMessage()]
    word = BEHIND[raised]
    assert [("'a'" in text, word in text, "rejects=" in text) for text in told] == [(True, True, True)] * bool(word)


async def test_names_in_the_log_are_short() -> None:
    """S-124: the name of a place is the caller's own text: it is cut and quoted."""
    name, good = "\n" + "x" * 500, token()
    for sent in (
        connection(query_string=f"%0a{'x' * 500}={good}".encode()),
        connection((name, good)),
        connection(("cookie", f"{name[1:]}={good}")),
    ):
        with pytest.raises(Unreadable) as refused:
            await adapter()(sent)
        (shown,) = re.findall("'(.*?)'", str(refused.value))
        assert len(shown.replace("\\n", "\n")) == 40
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("places", "sent"),
    [
        ({"header": "X-T"}, connection(("x-t", "a.b c"))),
        ({"header": "X-T"}, connection(("x-t", "Token a.b.c"))),
        ({"header": "X-T"}, connection(("x-t", "a.b.c"), ("x-t", "d.e.f"))),
        ({"query": "t"}, connection(query_string=b"t=a%20b")),
        ({"query": "t"}, connection(query_string=b"t=a.b.c&t=d.e.f")),
        ({"cookie": "t"}, connection(("cookie", "t=a b"))),
        ({"cookie": "t"}, connection(("cookie", "t=a.b.c; t=d.e.f"))),
    ],
)
async def test_a_named_place_with_something_else(places: dict[str, str], sent: Any) -> None:
    """S-12: a text that is no token, or two of them, are refused where a token is expected."""
    with pytest.raises(Unreadable, match=r"is there 2 times|no token"):
        await BearerJWT(lambda _: None, **places)(sent)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["Authorization", "cookie", ("X-T", "COOKIE")])
def test_headers_that_are_read_in_another_way(name: Any) -> None:
    """Headers with a reader of their own are no place of a bare token."""
    with pytest.raises(SettingsError, match="must not name"):
        BearerJWT(verify, header=name)


@pytest.mark.parametrize(
    ("header", "value", "shown"),
    [
        (b"authorization", b"Bearer x", True),
        (b"authorization", b"Basic x, bearer y", True),
        (b"authorization", b"Basic YTpi", False),
        (b"authorization", b"forbearer x", False),
        (b"x-note", b"Bearer x", False),
        (b"x-note", b"x", False),
    ],
)
def test_a_caller_that_shows_a_bearer_token(header: bytes, value: bytes, shown: bool) -> None:
    """Only ``Authorization`` decides if the answer is the one for bearer clients."""
    assert shows_bearer([(b"host", b"x"), (header, value)]) is shown


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
