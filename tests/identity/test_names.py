"""A wrong name in the developer's settings is told.

It would put everybody into no group, or into the default tenant.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate import SettingsError, Subject
from mfa_gate.identity import BearerJWT, FastAPIUsers, RequestUser, SessionUser, TrustedHeader
from mfa_gate.identity.values import as_groups

from .connections import connection


@pytest.mark.parametrize("what", ["tenant", "groups", "session", "id"])
def test_a_user_object_without_the_attribute(what: str) -> None:
    """It is refused, and the message names the attribute."""
    user = SimpleNamespace(is_authenticated=True, identity="ann")
    with pytest.raises(SettingsError, match="'org'"):
        RequestUser(**{what: "org"}).subject_of({"user": user})  # type: ignore[arg-type]
    assert RequestUser(amr="amr", auth_time="at").subject_of({"user": user}) == Subject("ann")


@pytest.mark.parametrize("what", ["tenant", "groups"])
async def test_a_session_or_token_without_the_key(what: str, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody may have none, so the request goes on; the log says it once."""
    named: dict[str, Any] = {what: "org"}
    session, bearer = SessionUser("user", **named), BearerJWT(lambda _: {"sub": "ann"}, **named)
    for id in ("ann", "bob"):
        assert session.subject_of({"session": {"user": id}}) == Subject(id)
        assert await bearer(connection(("authorization", "Bearer x"))) is not None
    told = [record.getMessage() for record in caplog.records if "'org'" in record.getMessage()]
    assert [("SessionUser" in text, "BearerJWT" in text) for text in told] == [(True, False), (False, True)]


async def test_a_sign_in_with_every_key_is_told_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Nor is one of an adapter that names neither tenant nor groups."""
    claims = {"sub": "ann", "org": "clinic", "roles": ["a"]}
    every: dict[str, Any] = {"tenant": "org", "groups": "roles"}
    for named, found in ((every, Subject("ann", "clinic", frozenset({"a"}))), ({}, Subject("ann"))):
        assert SessionUser("sub", **named).subject_of({"session": claims}) == found
        bearer = await BearerJWT(lambda _: claims, **named)(connection(("authorization", "Bearer x")))
        assert bearer is not None
        assert (bearer.key, bearer.groups) == (found.key, found.groups)
    assert caplog.records == []


@pytest.mark.parametrize(
    "value", ["admin,staff", "admin staff", "admin;staff", "", {"admin": True}, b"admin", ["a", 1], 7]
)
def test_groups_that_may_be_several(value: object) -> None:
    """A text of several names, or a mapping, is no name of one group."""
    with pytest.raises(ValueError, match="groups"):
        as_groups(value)
    assert as_groups("admin") == as_groups(["admin"]) == frozenset({"admin"})


ADAPTERS: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "SessionUser": (SessionUser, "user", ("tenant", "groups", "session", "actor", "cookie", "amr")),
    "RequestUser": (RequestUser, "id", ("tenant", "groups", "session", "acr")),
    "TrustedHeader": (lambda **given: TrustedHeader(**given, from_=["10.0.0.5"]), "name", ("tenant", "groups")),
    "BearerJWT": (lambda **given: BearerJWT(lambda _: None, **given), "user", ("tenant", "groups", "actor")),
}


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_name_that_is_none_stops_the_start(name: str) -> None:
    """V-16: the fault names adapter, argument and type, at the line of the adapter."""
    make, user, more = ADAPTERS[name]
    for argument in (user, *more):
        for value in (5, None):
            words = f"identify: {name}: {argument}= is of type {type(value).__name__}; give a name as text"
            with pytest.raises(SettingsError, match=words):
                make(**{user: "user", argument: value})
    with pytest.raises(SettingsError, match=f"identify: {name}: {user}= is empty"):
        make(**{user: ""})
    assert make(**{user: "user"})


BACKEND: Any = SimpleNamespace(name="jwt", transport=None)
MANAGER: Any = None


@pytest.mark.parametrize(
    ("adapter", "said", "names_session"),
    [
        (SessionUser("user", tenant="org", secret_key="hunter2", max_age=None), "SessionUser('user')", False),
        (SessionUser("user", session="sid"), "SessionUser('user')", True),
        (RequestUser("id"), "RequestUser('id')", False),
        (RequestUser("id", session="sid"), "RequestUser('id')", True),
        (TrustedHeader("X-User", from_=["10.0.0.5"]), "TrustedHeader('X-User')", False),
        (TrustedHeader("X-User", from_=["10.0.0.5"], session="X-S"), "TrustedHeader('X-User')", True),
        (BearerJWT(lambda _: None, key=b"hunter2"), "BearerJWT(user='sub')", True),
        (FastAPIUsers([BACKEND], MANAGER, key=b"hunter2"), "FastAPIUsers(jwt)", True),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_an_adapter_in_the_log(adapter: Any, said: str, names_session: bool) -> None:
    """It is written as it is made, without a secret, and says if it names the sign-in."""
    assert (repr(adapter), adapter.names_session) == (said, names_session)


def test_a_token_that_nobody_can_verify() -> None:
    """A key or a text in place of the function stops the start."""
    secret: Any = "hunter2"
    with pytest.raises(SettingsError, match="verify= cannot be called") as error:
        BearerJWT(secret)
    assert secret not in str(error.value)
