"""``RequestUser`` reads the user of Starlette's ``AuthenticationMiddleware``."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate import SettingsError, Subject
from mfa_gate.core.model import Upstream
from mfa_gate.identity import RequestUser

ANN = SimpleNamespace(is_authenticated=True, identity="ann", org="clinic", roles=["a"], sid=7, amr=["otp"], at=5)


@pytest.mark.parametrize("user", [None, "", SimpleNamespace(is_authenticated=False, identity="ann")], ids=repr)
def test_nobody(user: object) -> None:
    """No user, or one who is not signed in, is anonymous."""
    assert RequestUser().subject_of({"user": user}) is None


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ({}, "AuthenticationMiddleware must be outside the gate"),
        ({"user": "ann"}, "a str without is_authenticated"),
        ({"user": 0}, "a int without is_authenticated"),
        ({"user": SimpleNamespace(identity="ann")}, "without is_authenticated"),
    ],
)
def test_a_middleware_that_has_not_run(scope: dict[str, Any], words: str) -> None:
    """Nobody can tell who is signed in, so the request is refused and the fix is told."""
    with pytest.raises(SettingsError, match=words):
        RequestUser().subject_of(scope)


LOGIN = Upstream(amr=("otp",), acr="", auth_time=5)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, Subject("ann", groups=frozenset({"scope"}))),
        ({"tenant": "org", "groups": "roles", "session": "sid"}, Subject("ann", "clinic", frozenset({"a"}), "7")),
        (
            {"tenant": lambda user: user.org + "s", "groups": lambda _: ["z"]},
            Subject("ann", "clinics", frozenset({"z"})),
        ),
        ({"amr": "amr", "auth_time": "at", "groups": "roles"}, Subject("ann", groups=frozenset({"a"}), upstream=LOGIN)),
        (
            {"amr": lambda user: user.amr, "auth_time": lambda user: user.at, "groups": "roles"},
            Subject("ann", groups=frozenset({"a"}), upstream=LOGIN),
        ),
        ({"amr": "nowhere", "auth_time": "at", "groups": "roles"}, Subject("ann", groups=frozenset({"a"}))),
        ({"id": "org", "fold": str.upper, "groups": "roles"}, Subject("CLINIC", groups=frozenset({"a"}))),
    ],
)
async def test_names_and_functions(given: dict[str, Any], found: Subject) -> None:
    """Each part is an attribute of the user, or a function of it.

    Groups are the scopes where none is named.
    """
    scope = {"user": ANN, "auth": SimpleNamespace(scopes=["scope"])}
    assert RequestUser(**given).subject_of(scope) == found
    assert await RequestUser(**given)(SimpleNamespace(scope=scope)) == found
