"""``SessionUser`` with a key reads the very session that Starlette's middleware would."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from itsdangerous import Signer, TimestampSigner
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from mfa_gate import MFAGate, MFAGateMiddleware, RelyingParty, SettingsError, Subject
from mfa_gate.core.rules import EnrollmentRules, Exemption, PathRule, Policy, Rules
from mfa_gate.identity import SessionUser, Unreadable
from mfa_gate.identity.session import MAX_SUBJECTS
from mfa_gate.keyring import make_key
from mfa_gate.testing import signed_in

from .connections import connection

SECRET = "the mounted app's own long secret"


def cookie(session: Any, secret: str = SECRET) -> str:
    """A cookie as the middleware writes it."""
    return TimestampSigner(secret).sign(base64.b64encode(json.dumps(session).encode())).decode()


def signed_at(session: Any, at: int) -> str:
    """A cookie that was written at this time (UTC seconds)."""

    class Then(TimestampSigner):
        def get_timestamp(self) -> int:
            return at

    return Then(SECRET).sign(base64.b64encode(json.dumps(session).encode())).decode()


async def who(*cookies: str, **more: Any) -> Subject | None:
    """Return the person that the adapter finds behind one ``Cookie`` header."""
    more = {"max_age": None, **more}
    adapter = SessionUser("user.sub", tenant="org", groups="groups", secret_key=SECRET, **more)
    return await adapter(connection(("cookie", "; ".join(cookies))))


ANN = {"user": {"sub": "ann"}, "org": "clinic", "groups": ["a", "b"]}


async def test_every_key_may_be_nested() -> None:
    """Tenant, groups and sign-in are found in a provider's ``userinfo``, as the id is."""
    adapter = SessionUser("user.sub", tenant="user.org", groups="user.roles", session="user.sid", actor="user.act")
    userinfo = {"sub": "ann", "org": "clinic", "roles": ["a"], "sid": "s1", "act": "bob"}
    found = await adapter(connection(session={"user": userinfo}))
    assert found == Subject("ann", "clinic", frozenset({"a"}), session="s1", actor="bob")


async def test_a_good_cookie_is_somebody() -> None:
    """Id, tenant and groups come out of the cookie that Starlette signed."""
    assert await who(f"session={cookie(ANN)}") == Subject("ann", "clinic", frozenset({"a", "b"}))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "session=",
        f"session={cookie(ANN)}x",
        f"session={cookie(ANN, 'another secret')}",
        f"other={cookie(ANN)}",
        f"session={cookie({})}",
        f"session={cookie({'user': 'ann'})}",
    ],
    ids=["none", "empty", "altered", "other-key", "other-name", "nobody", "another-field"],
)
async def test_any_other_is_nobody(header: str) -> None:
    """Missing, altered, of another key or without the user: nobody, as in the app itself."""
    assert await who(header) is None


@pytest.mark.parametrize("age", [-1, 0, 60])
async def test_an_old_cookie_is_refused(age: int) -> None:
    """S-12: a well-signed session that is too old is refused, and is never nobody.

    It may be young enough for the app. One from the future is refused as well; None has no end.
    """
    now = int(time.time())
    old, early = signed_at(ANN, now - 120), signed_at(ANN, now + 120)
    with pytest.raises(Unreadable):
        await who(f"session={old}", max_age=age)
    with pytest.raises(Unreadable):
        await who(f"session={early}", max_age=age)
    assert await who(f"session={old}", max_age=None) is not None
    assert await who(f"session={old}", max_age=600) is not None


def test_the_age_has_no_default() -> None:
    """S-12: a limit of our own could differ from the app's, so the app's must be named."""
    with pytest.raises(SettingsError, match="max_age"):
        SessionUser("user", secret_key=SECRET)


@pytest.mark.parametrize("value", [Signer(SECRET).sign("e30=").decode(), Signer(SECRET).sign("").decode()])
async def test_a_signature_without_a_time_is_refused(value: str) -> None:
    """A signed value that the gate cannot use is refused.

    Requirement S-12.
    """
    with pytest.raises(Unreadable):
        await who(f"session={value}")


@pytest.mark.parametrize("session", [["ann"], "ann", 7, None], ids=str)
async def test_a_signed_cookie_that_is_no_session_is_refused(session: object) -> None:
    """A signed cookie on which the app would fail is not taken for anonymous."""
    with pytest.raises(Unreadable, match="no object"):
        await who(f"session={cookie(session)}")


def test_an_empty_key_is_a_fault() -> None:
    """S-120: no key is no key."""
    with pytest.raises(SettingsError, match="secret_key"):
        SessionUser("user", secret_key="", max_age=None)


@pytest.mark.parametrize(
    "header",
    [
        f"session={cookie({'user': {'sub': 'bob'}})}; session={cookie(ANN)}",
        f'session="{cookie(ANN)}"',
        f"session ={cookie(ANN)}",
        f" session= {cookie(ANN)} ",
        f"a=b; ; session={cookie(ANN)}; session",
    ],
)
async def test_the_gate_and_the_app_read_alike(header: str) -> None:
    """Adapter and middleware find the same person in every odd header.

    Requirement S-12.
    """
    seen: list[Any] = []

    async def tell(request: Request) -> JSONResponse:
        seen.append(request.session.get("user", {}).get("sub"))
        return JSONResponse(None)

    app = Starlette(routes=[Route("/", tell)], middleware=[Middleware(SessionMiddleware, secret_key=SECRET)])
    TestClient(app).get("/", headers={"cookie": header})
    found = await who(header)
    assert seen == [found.id if found else None]


def test_a_session_inside_a_mounted_app_is_gated() -> None:
    """A gate sees the user of a session inside a mounted app, and lets nobody past."""

    async def enter(request: Request) -> JSONResponse:
        request.session["user"] = request.path_params["name"]
        return JSONResponse("in")

    async def home(request: Request) -> JSONResponse:
        return JSONResponse(request.session.get("user"))

    admin = Starlette(
        routes=[Route("/enter/{name}", enter), Route("/home", home)],
        middleware=[Middleware(SessionMiddleware, secret_key=SECRET, session_cookie="admin")],
    )
    sign_in = Exemption(name="sign-in", paths=(PathRule(text="/admin/enter/**"),), reason="the first factor")
    gate = MFAGate(
        policy=Policy(
            name="mounted",
            digest="0" * 64,
            base=Rules(enrollment=EnrollmentRules(first="open"), exempt=(sign_in,)),
            tenants={},
        ),
        identify=SessionUser("user", secret_key=SECRET, cookie="admin", max_age=None),
        store="memory://",
        keys=[make_key(bytes(range(32)))],
        relying_party=RelyingParty(id="localhost", name="Admin", origins=["http://localhost"]),
        **_senders(),
    )
    app = MFAGateMiddleware(Starlette(routes=[Mount("/admin", admin)]), gate=gate)
    client = TestClient(app, client=("192.0.2.7", 5))
    assert client.get("/admin/home").json() is None
    client.get("/admin/enter/ann")
    assert client.get("/admin/home").status_code == 403
    assert signed_in(client, gate, Subject("ann")).get("/admin/home").json() == "ann"
    client.get("/admin/enter/bob")
    assert client.get("/admin/home").status_code == 403


def _senders() -> dict[str, Any]:
    from mfa_gate import Contacts
    from mfa_gate.testing import Outbox

    async def contacts(subject: Subject) -> Contacts:
        return Contacts(email=f"{subject.id}@x.example")

    return {"senders": Outbox().senders(), "contacts": contacts}


@pytest.mark.parametrize(
    ("cookie", "seen"),
    [
        ({"user_id": "ann"}, True),
        ({"user_id": "bob"}, False),
        ({"cart": 3}, False),
        (["user_id"], False),
        (None, False),
    ],
)
def test_a_session_that_does_not_tell_if_it_was_written(cookie: object, seen: bool) -> None:
    """The request's cookie tells if the user was in a plain session before.

    The sessions of Starlette before 1.0 are plain.

    A sign-in is no user behind the sign-in. Requirements S-14, V-44.
    """
    held = "" if cookie is None else base64.b64encode(json.dumps(cookie).encode()).decode() + ".time.signature"
    headers = [(b"cookie", f"a=%; session={held}; b=e30".encode())]
    scope = {"type": "http", "headers": headers, "session": {"user_id": "ann"}}
    assert SessionUser("user_id").sees_user(scope) is seen


@pytest.mark.parametrize(
    ("session", "seen"),
    [
        ({"user_id": "ann"}, True),
        ({"user_id": ""}, False),
        ({"cart": 3}, False),
        ({}, False),
        ("user_id", False),
        (None, False),
    ],
)
@pytest.mark.parametrize("modified", [False, True])
def test_a_session_that_tells_if_it_was_written(session: Any, seen: bool, modified: bool) -> None:
    """S-14: a user counts who was in the session before the request."""

    class Session(dict[str, Any]): ...

    Session.modified = modified  # type: ignore[attr-defined]
    scope: dict[str, Any] = {
        "session": Session(session) if isinstance(session, dict) else session,
        "headers": [],
        "type": "http",
    }
    assert SessionUser("user_id").sees_user(scope) is (seen and not modified)
    assert SessionUser("user_id").sees_user({"headers": []}) is False


def test_a_request_without_a_session() -> None:
    """S-14: the middleware is not outside the gate, so nobody can be told apart."""
    with pytest.raises(SettingsError, match="SessionMiddleware must be outside the gate"):
        SessionUser("user").subject_of({})


@pytest.mark.parametrize(
    "held", [{"user": ["ann"]}, {"user": "ann", "org": {}}, {"user": "ann", "groups": [{}]}], ids=str
)
def test_a_session_of_values_that_are_not_plain(held: dict[str, Any]) -> None:
    """It is refused, and the message says why."""
    with pytest.raises(ValueError, match="plain values"):
        SessionUser("user", tenant="org", groups="groups").subject_of({"session": held})


def test_the_keys_of_sessions_without_a_user(caplog: pytest.LogCaptureFixture) -> None:
    """While nobody was found, they are told once: ten at most, each cut to forty letters."""
    adapter = SessionUser("user")
    for held in ({}, {f"k{n}" + "x" * 60: n for n in range(12)}, {"cart": 3}, {"user": "", "cart": 3}):
        assert adapter.subject_of({"session": held}) is None
    (record,) = caplog.records
    keys = tuple(f"k{n}" + "x" * 38 for n in range(10))
    assert ", ".join(map(repr, keys)) + ". If one" in record.getMessage()
    assert adapter.unnamed == keys
    assert adapter.subject_of({"session": {"user": "ann"}}) == Subject("ann")
    assert adapter.unnamed == ()
    known = SessionUser("user")
    assert known.subject_of({"session": {"user": "ann"}}) == Subject("ann")
    assert known.subject_of({"session": {"cart": 3}}) is None
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("leaves_no_mark", "marks"),
    [(None, 3), (lambda _: True, 0), (lambda _: False, 3), (lambda who: who.id == "ann", 1)],
)
def test_an_answer_that_depends_on_the_session(leaves_no_mark: Any, marks: int) -> None:
    """A session that adds ``Vary: Cookie`` is told of each person who was read from it.

    It is not, where the answer is the same for everybody.
    """
    marked: list[str] = []

    class Session(dict[str, Any]):
        def mark_accessed(self) -> None:
            marked.append(self["user"])

    adapter = SessionUser("user")
    adapter.leaves_no_mark = leaves_no_mark
    for name in ("ann", "bob", "ann"):
        assert adapter.subject_of({"session": Session(user=name)}) == Subject(name)
        assert adapter.subject_of({"session": {"user": name}}) == Subject(name)
    assert len(marked) == marks


def test_known_people_are_bounded() -> None:
    """A person who comes again is not made anew, until too many others have come."""
    adapter = SessionUser("user")
    ann = adapter.subject_of({"session": {"user": "ann"}})
    for number in range(MAX_SUBJECTS - 1):
        adapter.subject_of({"session": {"user": number}})
    assert adapter.subject_of({"session": {"user": "ann"}}) is ann
    adapter.subject_of({"session": {"user": "bob"}})
    again = adapter.subject_of({"session": {"user": "ann"}})
    assert again == ann
    assert again is not ann
