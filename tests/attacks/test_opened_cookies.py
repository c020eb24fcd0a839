"""A cookie that was opened once gives no right: each request is judged anew.

Each request has a cookie header of its own, so no remembered decision answers it. Requirements S-25, S-31.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from mfa_gate import Subject
from mfa_gate.core.changes.tenant_end import ended
from mfa_gate.core.model import Account, Attempts, Grant, Lock, Seconds, SubjectKey
from mfa_gate.core.rules import CompareRules, Policy, Rules
from mfa_gate.service.quick_look import QuickLook
from mfa_gate.web import callers as module
from tests.harness import FETCH, POLICY, Browser, World, key, make_world, running, with_rules

NUMBERS = count()
ANN = SubjectKey("alpha", "ann")


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """The quick looks that were made, and if each let a request pass."""
    found: list[bool] = []
    judge = QuickLook.judge

    def counted(self: QuickLook, caller: Any) -> Any:
        judgement = judge(self, caller)
        found.append(judgement is not None)
        return judgement

    monkeypatch.setattr(QuickLook, "judge", counted)
    return found


async def asks(browser: Browser, *, cookies: str = "", **scope: Any) -> int:
    """Ask for a page with a cookie header that nobody has sent before."""
    header = f"{cookies or browser.cookie_header()}; other={next(NUMBERS)}"
    return (await browser.ask("GET", "/records", headers=[*FETCH, ("cookie", header)], **scope)).status


async def known(world: World, id: str = "ann", **more: Any) -> Browser:
    """A browser that was let in, and whose cookie was opened."""
    browser = await world.enrolled(id, **more)
    assert await asks(browser) == 200
    assert SubjectKey("alpha", id) in world.gate.web.callers.opened
    return browser


async def test_a_known_browser_passes_by_a_quick_look(world: World, looks: list[bool]) -> None:
    """The same browser with other cookies is judged without waiting, and reaches the app.

    A second look in the same second uses the demands of the first.
    """
    ann = await known(world)
    looks.clear()
    for _ in range(2):
        assert await asks(ann) == 200
    assert looks == [True, True]
    assert len(world.reached) >= 2


async def test_somebody_elses_cookie_stays_closed(world: World) -> None:
    """A cookie of Ann's opens nothing in Bob's session, though it was opened in hers."""
    ann, bob = await known(world), await known(world, "bob")
    fresh = await world.browser("bob")
    assert await asks(fresh, cookies=f"{fresh.cookie_header()}; {ann.handle}={ann.cookies[ann.handle]}") == 403
    assert await asks(fresh, cookies=f"{fresh.cookie_header()}; {bob.handle}={ann.cookies[ann.handle]}") == 403


async def test_another_sign_in_has_no_part_in_it(world: World, looks: list[bool]) -> None:
    """Another sign-in of the same person, with other groups, is another caller."""
    ann = await known(world)
    again = await world.browser(sid="another", groups=["staff"])
    looks.clear()
    await asks(again, cookies=f"{again.cookie_header()}; {ann.handle}={ann.cookies[ann.handle]}")
    assert looks == []


async def test_another_address_is_another_network(world: World) -> None:
    """A cookie that was opened at home is judged on the network from which it comes now."""
    ann = await known(world)
    assert await asks(ann, address="198.51.100.9") == 403
    assert await asks(ann) == 200


async def test_the_cookie_twice_counts_as_none(world: World) -> None:
    """S-25: one cookie in two values is no cookie, also if one of them was opened before."""
    ann = await known(world)
    twice = f"{ann.cookie_header()}; {ann.handle}={ann.cookies[ann.handle]}"
    assert await asks(ann, cookies=twice) == 403


@pytest.mark.parametrize("change", [lambda text: text[:-1], lambda text: text + "=", lambda text: text.swapcase()])
async def test_only_the_very_text_counts(world: World, change: Callable[[str], str]) -> None:
    """A text that differs in one letter was not opened, and does not open."""
    ann = await known(world)
    ann.cookies[ann.handle] = change(ann.cookies[ann.handle])
    assert await asks(ann) == 403


async def test_an_old_proof_ends_in_time(world: World) -> None:
    """The clock is asked each time: at exactly the end of the proof the browser is stopped."""
    ann = await known(world)
    (proof,) = (await world.account()).browsers[0].proofs
    end = proof.at + POLICY.base.freshness.max_age
    world.clock.at = end - 1
    assert await asks(ann) == 200
    world.clock.at = end
    assert await asks(ann) == 403


def locked(account: Account) -> Account:
    """Locked by an administrator."""
    return replace(account, lock=Lock(at=1, ref="r", cause="administrator"))


def spent(account: Account) -> Account:
    """Another epoch: every proof was ended."""
    return replace(account, epoch=account.epoch + 1)


def removed(account: Account) -> Account:
    """The authenticator was taken away."""
    return replace(account, authenticators=account.authenticators[:0], attempts=Attempts())


def signed_out(account: Account) -> Account:
    """The browser was forgotten."""
    return replace(account, browsers=())


@pytest.mark.parametrize("change", [locked, spent, removed, signed_out])
async def test_a_change_of_the_account_counts_at_once(world: World, change: Callable[[Account], Account]) -> None:
    """Another worker changes the account, and the next request is refused."""
    ann = await known(world)
    assert await world.store.swap(change(await world.store.load(ANN)))
    assert await asks(ann) == 403


async def test_ended_proofs_are_ended(world: World) -> None:
    """The host ends the proofs of a person."""
    ann = await known(world)
    await world.gate.end_proofs(Subject("ann", "alpha"), reason="password changed")
    assert await asks(ann) == 403


async def test_the_end_of_all_proofs_of_a_tenant(world: World) -> None:
    """No proof of an earlier number counts for anybody."""
    ann = await known(world)
    settings = await world.store.settings("alpha")
    assert await world.store.swap_settings(ended(settings, int(world.clock.at)))
    assert await asks(ann) == 403


async def test_a_key_that_is_not_listed_opens_nothing() -> None:
    """After a change of keys the cookie is refused, although the gate before has opened it."""
    async with running(make_world(keys=[key(1)])) as before:
        ann = await known(before)
        after = make_world(keys=[key(2)])
        await after.gate.web.open()
        assert await after.store.swap(replace(await before.store.load(ANN), version=0, stamp=""))
        thief = await after.browser()
        thief.cookies |= {ann.handle: ann.cookies[ann.handle]}
        assert await asks(thief) == 403
        assert ANN not in after.gate.web.callers.opened
        await after.gate.web.aclose()


def shorter(policy: Policy) -> Policy:
    """The same policy with proofs that end after a minute."""
    rules = {
        name: replace(one, freshness=replace(one.freshness, max_age=Seconds(60)))
        for name, one in policy.tenants.items()
    }
    return replace(policy, tenants=rules)


def narrower(policy: Policy) -> Policy:
    """The same policy without the factor that Ann has."""
    rules = {
        name: replace(one, factors=replace(one.factors, allowed=("email",), order=("email",)))
        for name, one in policy.tenants.items()
    }
    return replace(policy, tenants=rules)


def wider(policy: Policy) -> Policy:
    """The same policy with larger networks: a proof of the small one is of another."""
    rules = {
        name: replace(
            one,
            freshness=replace(one.freshness, ip_change=replace(one.freshness.ip_change, compare=CompareRules(v4=8))),
        )
        for name, one in policy.tenants.items()
    }
    return replace(policy, tenants=rules)


@pytest.mark.parametrize("change", [shorter, narrower, wider])
async def test_another_policy_counts_at_once(world: World, change: Callable[[Policy], Policy]) -> None:
    """The demands are those of the policy in force, whenever the cookie was opened."""
    ann = await known(world)
    world.clock.advance(61)
    assert await asks(ann) == 200
    world.engine.use_policy(change(world.engine.policy))
    assert await asks(ann) == 403


async def test_the_first_use_of_a_grant_is_recorded(world: World, looks: list[bool]) -> None:
    """A pass by a break-glass grant is left to the full judgement, which records it (S-125)."""
    ann = await known(world)
    account, now = await world.store.load(ANN), int(world.clock.at)
    grant = Grant(
        ref="G",
        asked_by="a",
        asked_at=now,
        reason="lost",
        ticket="T",
        life=3600,
        epoch=account.epoch + 1,
        confirmed_by="b",
        ends_at=now + 3600,
    )
    assert await world.store.swap(replace(account, epoch=account.epoch + 1, grant=grant))
    await cached(world)
    looks.clear()
    assert await asks(ann) == 200
    assert looks[0] is False
    assert len(world.kinds("break_glass.used")) == 1


async def cached(world: World) -> None:
    """Read Ann's account and her tenant's settings, as another request of hers does."""
    world.engine.notice()
    await world.engine.settings("alpha")
    await world.engine.entry(ANN)


LEFT: dict[str, Callable[[Rules], Rules]] = {
    "off": lambda rules: replace(rules, enrollment=replace(rules.enrollment, stage="off")),
    "report-only": lambda rules: replace(rules, mode="report-only"),
    "renewed early": lambda rules: replace(
        rules, freshness=replace(rules.freshness, renew_early=Seconds(rules.freshness.max_age - 1))
    ),
}


async def test_what_is_left_to_the_full_judgement(world: World) -> None:
    """Free and only reported requests, and proofs that end soon, are judged in full."""
    ann = await known(world)
    opened = world.gate.web.callers.opened[ANN].by_text[ann.cookies[ann.handle]]
    world.clock.advance(1)
    for name, change in {"nothing": lambda rules: rules, **LEFT}.items():
        world.engine.use_policy(with_rules(change))
        await cached(world)
        assert (world.gate.service.quick_look.judge(opened.caller) is not None) == (name == "nothing"), name


async def test_the_quick_look_never_denies_and_never_writes(world: World, looks: list[bool]) -> None:
    """A browser that owes a proof is answered by the full judgement."""
    ann = await known(world)
    assert await world.store.swap(spent(await world.store.load(ANN)))
    looks.clear()
    assert await asks(ann) == 403
    assert True not in looks


async def test_the_memory_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few cookies of one person are kept, and few people; the others are opened again."""
    monkeypatch.setattr(module, "MAX_OWN", 3)
    monkeypatch.setattr(module, "MAX_PEOPLE", 2)
    callers = world.gate.web.callers
    ann = await known(world)
    for _ in range(10):
        handle = callers.cookies.fresh()
        jar = callers.cookies.jar(ANN, {"scheme": "http"})
        await asks(
            ann,
            cookies=f"{ann.cookie_header()}; {ann.handle}={callers.cookies.seal(jar, handle)}".replace(
                f"{ann.handle}={ann.cookies[ann.handle]}; ", ""
            ),
        )
        assert len(callers.opened[ANN].by_text) <= 3
    for id in ("bob", "cid", "dora"):
        await known(world, id)
    assert len(callers.opened) == 2
    assert await asks(ann) == 200


async def test_texts_that_do_not_open_are_not_kept(world: World) -> None:
    """Visitors cannot fill the memory with inventions (S-122)."""
    ann = await known(world)
    before = dict(world.gate.web.callers.opened[ANN].by_text)
    own = ann.cookies[ann.handle]
    for number in range(5):
        ann.cookies[ann.handle] = f"{number}{own}"
        assert await asks(ann) == 403
    assert world.gate.web.callers.opened[ANN].by_text == before
