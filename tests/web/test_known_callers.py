"""A browser that comes back is known by its cookie, as long as all else is the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from mfa_gate import Subject, Upstream
from mfa_gate.core.model import Caller, SubjectKey
from mfa_gate.core.rules import Policy
from tests.harness import FETCH, HOME, POLICY, World, http_scope, key, make_world, running

ANN = SubjectKey("alpha", "ann")
UPSTREAM = Upstream(amr=("mfa",), auth_time=1)
CHANGES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "another address": {"address": "198.51.100.9"},
    "no address": {"address": "unknown"},
    "https": {"scheme": "https"},
    "https, under the name that any host can set": {"scheme": "https", "named": "http"},
    "another person": {"subject": Subject("bob", "alpha")},
    "another sign-in": {"subject": Subject("ann", "alpha", session="s2")},
    "other groups": {"subject": Subject("ann", "alpha", groups=frozenset({"staff"}), session="s")},
    "a sign-in elsewhere": {"subject": Subject("ann", "alpha", session="s", upstream=UPSTREAM)},
    "an actor": {"subject": Subject("bob", "alpha", session="s", actor="ann")},
    "a cookie of an older key": {"older": True},
    "no cookie": {"cookie": False},
    "another policy": {"policy": POLICY},
}
SUBJECT = Subject("ann", "alpha", session="s")


class Asked:
    """Requests with a cookie of Ann's, at callers that know it or not."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.callers = world.gate.web.callers
        cookies = self.callers.cookies
        self.jar = cookies.jar(ANN, {"scheme": "http"})
        self.text = cookies.seal(self.jar, "h" * 48)

    def scope(
        self, *, scheme: str = "http", named: str = "", older: bool = False, cookie: bool = True
    ) -> dict[str, Any]:
        """A request, with the cookie under the name of the scheme, or of the scheme ``named``."""
        jar = self.callers.cookies.jar(ANN, {"scheme": named or scheme})
        sent = [f"{jar.handle.decode()}={self.text}"] if cookie else []
        if older:
            sent.append(f"{jar.earlier[0].decode()}={self.callers.cookies.seal(jar, 'o' * 48)}")
        scope = http_scope("GET", "/records", headers=[*FETCH, ("cookie", "; ".join(sent))])
        return {**scope, "scheme": scheme}

    def known(self, *, subject: Subject = SUBJECT, address: str = HOME, **more: Any) -> Caller:
        """Identify the caller in full."""
        return self.callers.known(self.scope(**more), subject, address).caller

    def seen(
        self, *, subject: Subject = SUBJECT, address: str = HOME, policy: Policy | None = None, **more: Any
    ) -> Any:
        """Look for the caller among those that are known."""
        if policy is not None:
            self.world.engine.use_policy(policy)
        return self.callers.seen(self.scope(**more), subject, address)


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    """A host that lists two keys."""
    async with running(make_world(keys=[key(1), key(2)])) as made:
        yield Asked(made)


async def test_only_the_same_browser_is_known_again(asked: Asked) -> None:
    """The same cookie, subject, address, scheme and policy find the caller, and no others."""
    first = asked.known()
    for name, change in CHANGES.items():
        assert asked.seen(**change) == (first if name == "nothing" else None), name


async def test_some_are_never_kept(asked: Asked) -> None:
    """No caller is kept if more than its cookie must be looked at each time."""
    for name in ("no address", "a sign-in elsewhere", "an actor", "a cookie of an older key"):
        asked.known(**CHANGES[name])
        assert asked.seen(**CHANGES[name]) is None, name
        assert asked.seen() is None, name


async def test_a_known_cookie_changes_no_caller(asked: Asked) -> None:
    """A caller is the same with a cookie that was opened before and with one that was not."""
    for name in [name for name in CHANGES if name not in ("another policy", "no cookie")]:
        first = asked.known(**CHANGES[name])
        asked.callers.opened.clear()
        asked.known()
        assert asked.known(**CHANGES[name]) == first, name
        asked.callers.opened.clear()
