"""The edges of an outage: spared people go on, and refusals stay refusals."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from starlette.authentication import SimpleUser

from mfa_gate.core.rules import Rules, SubjectExemption
from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores.memory import MemoryStore
from tests.harness import FETCH, SECRET, START, Browser, call, http_scope, make_world, with_rules
from tests.web.test_upstream import KEYS, trusting


def sparing(rules: Rules) -> Rules:
    """Trust the identity provider, and spare patients."""
    patients = SubjectExemption(name="patients", groups_any=("patient",), reason="tests", expires_at=START + 3600)
    return replace(trusting(rules), exempt_subjects=(patients,))


async def test_a_sign_in_elsewhere_that_cannot_be_kept_yet(caplog: pytest.LogCaptureFixture) -> None:
    """A spared person passes without the store; the next request takes the sign-in."""
    world = make_world(policy=with_rules(sparing), identify=KEYS)
    ann = Browser(world)
    session = {"user_id": "ann", "org": "alpha", "groups": ["patient"], "sid": "s1", "auth_time": START, "amr": ["mfa"]}
    await ann.ask("POST", "/login", body=json.dumps(session).encode())
    await world.gate.web.open()
    await world.store.aclose()
    assert SECRET in (await ann.ask("GET", "/records", headers=FETCH)).body
    assert "is not kept yet" in caplog.text
    await world.store.open()
    assert (await ann.ask("GET", "/records", headers=FETCH)).status == 200
    assert (await world.account()).logins
    await world.gate.web.aclose()


async def test_a_user_inside_whom_nobody_saw_outside(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer is 503 with the reference of the log, also where no trail can be written."""

    async def away(*_: object) -> None:
        raise StoreUnavailable("away")

    world = make_world()
    await world.gate.web.open()
    monkeypatch.setattr(MemoryStore, "append", away)
    replies = []

    async def send(message: dict[str, object]) -> None:
        replies.append(message)

    scope = {**http_scope("GET", "/records", headers=FETCH), "user": SimpleUser("ann")}
    await world.gate.web.late_user_check.refuse(scope, send)
    assert replies[0]["status"] == 503
    (event,) = world.kinds("gate.tripwire")
    assert event.id in caplog.text
    assert event.id.encode() in replies[1]["body"]  # type: ignore[operator]
    await world.gate.web.aclose()


async def test_a_request_that_came_through_another_gate() -> None:
    """A second gate around the same app refuses, because no start could see it."""
    world = make_world()
    ann = await world.enrolled()
    headers = [*FETCH, ("cookie", ann.cookie_header())]
    scope = http_scope("GET", "/records", headers=headers)
    reply = await call(world.app, {**scope, "mfa_gate": object()})
    assert reply.status == 503
    assert world.reached == []
    assert (await call(world.app, scope)).status == 200
