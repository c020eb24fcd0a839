"""The README's order for changing keys, walked step by step with two workers on one store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate import Subject
from mfa_gate.core.rules import EnrollmentRules
from mfa_gate.errors import SettingsError
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.testing import enrolled as enrolled_by
from tests.harness import QUIET, Browser, World, key, make_world, running, with_rules

from .phones import begin, enrolled, push_policy
from .test_key_rotation import rotated

OLD, NEW = key(1), key(2)


def worker(store: MemoryStore, *keys: str) -> World:
    """One worker of several, over the same accounts."""
    return make_world(store=store.another(), keys=list(keys))


def at(world: World, browser: Browser) -> Browser:
    """Return the same browser at another worker.

    It keeps the cookies that it is given there.
    """
    same = Browser(world, address=browser.address, cookies=browser.cookies)
    same.secret, same.id, same.tenant, same.backup = browser.secret, browser.id, browser.tenant, browser.backup
    return same


async def passes(world: World, browser: Browser) -> bool:
    """Return true if this worker lets the browser in."""
    return (await at(world, browser).ask("GET", "/records")).status == 200


async def starts(world: World) -> bool:
    """Return true if a worker starts; only a missing key may stop it."""
    try:
        async with running(world):
            return True
    except SettingsError as error:
        if "Put it back into keys=[...]" not in str(error):
            raise
        return False


async def test_several_workers() -> None:
    """V-22: at each step workers of the step before and after it serve the same browser."""
    store = MemoryStore()
    ann = await worker(store, OLD).enrolled()
    one, two = worker(store, OLD), worker(store, OLD, NEW)
    assert await passes(one, ann)
    assert await passes(two, ann)
    one, two = worker(store, OLD, NEW), worker(store, NEW, OLD)
    assert await passes(two, ann)
    proven = at(two, ann)
    assert (await proven.prove()).status == 200
    assert await passes(one, proven)
    assert await passes(two, proven)
    assert not await starts(worker(store, OLD))
    assert not await starts(worker(store, NEW))
    assert await starts(worker(store, NEW, OLD))


async def test_the_order_without_the_first_step() -> None:
    """A worker that does not know the new key yet cannot start beside one that uses it.

    This is the reason for the first step. Requirement V-22.
    """
    store = MemoryStore()
    await worker(store, OLD).enrolled()
    assert await starts(worker(store, NEW, OLD))
    assert not await starts(worker(store, OLD))


async def test_one_worker(capsys: pytest.CaptureFixture[str]) -> None:
    """One worker begins with the second step.

    Everything stored moves except the rest that ``keys rotate`` names. Requirement V-22.
    """
    store = MemoryStore()
    ann = await worker(store, OLD).enrolled()
    world = worker(store, NEW, OLD)
    async with running(world):
        assert await passes(world, ann)
        told = await rotated(world, capsys)
        assert told["left"] == {"backup-code": 1}
    assert await starts(worker(store, NEW))


async def test_the_old_key_is_taken_out_too_early(capsys: pytest.CaptureFixture[str]) -> None:
    """An old key that is taken out too early makes browsers prove again, and nobody pays.

    An old backup code is a fault of ours: it is refused and costs no attempt. Requirement V-22.
    """
    store = MemoryStore()
    ann = await worker(store, OLD).enrolled()
    async with running(worker(store, NEW, OLD)) as world:
        await rotated(world, capsys)
    async with running(worker(store, NEW)) as world:
        late: Any = at(world, ann)
        assert not await passes(world, ann)
        before = (await late.api("GET", "state")).json()["attempts_remaining"]
        id = await late.authenticator("backup-code")
        answer = await late.api("POST", "verify", {"authenticator": id, "response": ann.backup[0]})
        assert answer.status == 503
        assert (await late.api("GET", "state")).json()["attempts_remaining"] == before
        assert (await late.prove()).status == 200
        assert await passes(world, late)


async def handles_of_both(one: World, two: World, browser: Browser, path: str) -> tuple[Browser, Browser]:
    """Let the browser ask two workers at once, so that each gives it a handle.

    Returns the browser at each of them.
    """
    first = Browser(one, cookies=dict(browser.cookies))
    other = Browser(two, cookies=dict(browser.cookies))
    for asking in (first, other):
        asking.id, asking.tenant = browser.id, browser.tenant
        await asking.page(path, headers=QUIET)
    assert len({asking.handle for asking in (first, other)}) == 2
    first.cookies.update(other.cookies)
    return first, at(two, first)


async def test_a_browser_with_two_handles_finds_its_own_challenge() -> None:
    """A browser with two handles finds its own challenge at the other worker.

    The worker that is asked for the result knows the browser by another handle than the worker that sent the request.
    """
    store, policy = MemoryStore(), push_policy()
    one, two = (make_world(store=store.another(), keys=keys, policy=policy) for keys in ([OLD, NEW], [NEW, OLD]))
    async with running(one), running(two):
        ann, _, id = await enrolled(one)
        mail = (await enrolled_by(one.gate, Subject("ann", "alpha"), "email")).id
        two.clock.at = one.clock.at
        here, there = await handles_of_both(one, two, ann, "/mfa/challenge")
        asked = await begin(here, id)
        assert (await there.api("GET", f"challenge/{asked['challenge']}")).json() == {"status": "pending"}
        collected = {"authenticator": id, "challenge": asked["challenge"], "response": ""}
        assert (await there.api("POST", "verify", collected)).reason == "pending"
        stranger = await two.browser()
        assert (await stranger.api("GET", f"challenge/{asked['challenge']}")).status == 404
        assert (await stranger.api("POST", "verify", collected)).reason == "nothing_sent"
        sent = await begin(here, mail)
        typed = {"challenge": sent["challenge"], "response": one.email.codes[-1]}
        assert (await stranger.api("POST", "verify", typed)).status == 404
        assert (await there.api("POST", "verify", typed)).status == 200


async def test_a_browser_with_two_handles_proves_its_contact() -> None:
    """The code to the contact on file, sent by one worker, is right at the other.

    It costs no attempt.
    """
    store = MemoryStore()
    policy = with_rules(lambda rules: replace(rules, enrollment=EnrollmentRules(first="contact")))
    one, two = (make_world(store=store.another(), keys=keys, policy=policy) for keys in ([OLD, NEW], [NEW, OLD]))
    async with running(one), running(two):
        here, there = await handles_of_both(one, two, await one.browser("new"), "/mfa/enroll")
        await here.form("/mfa/enroll", {"action": "contact-send", "kind": "email"})
        code = {"action": "contact-verify", "kind": "email", "code": one.email.codes[-1]}
        stranger = await two.browser("new")
        assert (await stranger.form("/mfa/enroll", code)).status == 422
        assert (await one.account("new")).leave is None
        assert (await there.form("/mfa/enroll", code)).status == 303
        assert (await one.account("new")).leave is not None
