"""``FirstOf`` is the sum of its adapters."""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate import SettingsError
from mfa_gate.identity import BearerJWT, FirstOf, RequestUser, SessionUser


def test_an_adapter_is_needed() -> None:
    """Without one, nobody would ever be signed in."""
    with pytest.raises(SettingsError, match="at least one"):
        FirstOf()


def test_the_parts_are_told_as_they_are() -> None:
    """The adapters in their order, in the log as well."""
    one, two = BearerJWT(lambda _: None), SessionUser("user")
    both = FirstOf(one, two)
    assert both.adapters == (one, two)
    assert repr(both) == "FirstOf(BearerJWT(user='sub'), SessionUser('user'))"


async def of_the_host(_connection: Any) -> None:
    """A function of the host's, which tells nothing about itself."""


SESSION, NAMED = SessionUser("user"), SessionUser("user", session="sid")
OWN = SessionUser("user", secret_key="s", max_age=None)


@pytest.mark.parametrize(
    ("adapters", "names_session", "needs_session", "needs_authentication"),
    [
        ((of_the_host,), True, False, False),
        ((of_the_host, NAMED), True, True, False),
        ((NAMED, SESSION), False, True, False),
        ((OWN, RequestUser(session="sid")), False, False, True),
        ((of_the_host, RequestUser(session="sid")), True, False, True),
    ],
)
def test_the_needs_of_the_parts(
    adapters: Any, names_session: bool, needs_session: bool, needs_authentication: bool
) -> None:
    """One part that needs a middleware is enough, or that leaves the sign-in out."""
    both = FirstOf(*adapters)
    assert (both.names_session, both.needs_session, both.needs_authentication) == (
        names_session,
        needs_session,
        needs_authentication,
    )


def test_a_user_that_one_part_sees() -> None:
    """S-14: sessions that were opened inside the gate, and the keys of those without a user."""
    both = FirstOf(of_the_host, SessionUser("user"), SessionUser("uid"))

    class Session(dict[str, Any]):
        modified = False

    assert [both.sees_user({"session": Session(held)}) for held in ({"uid": 1}, {"user": 1}, {"x": 1}, {})] == [
        *(True, True),
        *(False, False),
    ]
    unnamed = [both.unnamed]
    for adapter in both.adapters[1:]:
        assert adapter.subject_of({"session": {"cart": 3}}) is None  # type: ignore[attr-defined]
        unnamed.append(both.unnamed)
    assert unnamed == [(), ("cart",), ("cart", "cart")]
