"""Two people, or two tenants, never see, change, count or use up the other's data.

Nor do they unlock or exhaust anything of the other.
"""

from __future__ import annotations

import json
import re

import pytest

from mfa_gate.core.model import SubjectKey
from tests.attacks.stage import Crowd, crowd_of_all, submit
from tests.harness import FETCH, World

IDS = ("totp", "email", "backup", "browser", "challenge", "draft")


@pytest.fixture
async def crowd() -> Crowd:
    """Ann with one of everything, and other people with a proof."""
    return await crowd_of_all()


async def everything_of(crowd: Crowd) -> set[str]:
    """All that tells Ann's things apart: ids, references, names, destinations."""
    account = await crowd.account()
    events = (await crowd.world.store.events("alpha", account="ann", limit=200)).items
    return {
        *crowd.names.values(),
        *(b.id for b in account.browsers),
        *(b.handle for b in account.browsers),
        *(a.id for a in account.authenticators),
        *(c.id for c in account.challenges),
        *(event.id for event in events),
        "ann@alpha.example",
    }


LOOKS = (
    "", "/challenge", "/challenge/help", "/enroll", "/enroll/email", "/enroll/done", "/backup-codes", "/recovery", "/agreement",
    "/api/state", "/api/authenticators", "/api/browsers", "/api/agreement", "/admin", "/admin/accounts", "/admin/audit",
    "/admin/policy", "/api/admin/policy", "/admin/what-if", "/admin/what-if?account=ann", "/admin/what-if?account=ann&tenant=alpha",
    "/api/admin/accounts", "/api/admin/events", "/api/admin/accounts?tenant=alpha", "/api/admin/events?tenant=alpha",
    "/api/admin/events?account=ann", "/api/admin/accounts/ann?tenant=alpha", "/api/admin/tenant?tenant=alpha",
    "/admin/accounts?tenant=alpha", "/admin/audit?tenant=alpha", "/admin/accounts/ann?tenant=alpha",
    "/api/admin/reports/impact?tenant=alpha",
)  # fmt: skip


@pytest.mark.parametrize("state", ["other user", "other tenant", "foreign admin", "locked", "enroll"])
async def test_nobody_sees_anything(crowd: Crowd, state: str) -> None:
    """No page and no call shows ids, references, destinations or events of somebody else.

    This holds for another person and for another tenant. Requirements S-86, S-121.
    """
    browser = crowd.browsers[state]
    secrets = await everything_of(crowd)
    for look in LOOKS:
        for reply in (await browser.page(f"/mfa{look}"), await browser.ask("GET", f"/mfa{look}", headers=FETCH)):
            text = reply.text + repr(reply.headers)
            assert not [secret for secret in secrets if secret in text], (look, reply.status)


DRAWN = re.compile(r'value="[^"]*"|<p class="ref[^\n]*')
"""What each page has of its own: the token of its form, and its reference."""


@pytest.mark.parametrize("state", ["other user", "other tenant", "foreign admin"])
async def test_the_ids_of_others_are_unknown(crowd: Crowd, state: str) -> None:
    """An id of somebody else is answered exactly as an id that nobody has.

    A call gets 404; a form of the page of settings, the page as it is now.
    Requirement S-86.
    """
    browser = crowd.browsers[state]
    for name in IDS:
        answers = []
        for id in (crowd.names[name], "A" * len(crowd.names[name])):
            found: list[object] = []
            for method, call, body in (
                ("GET", f"challenge/{id}", None),
                ("POST", "challenge", {"authenticator": id}),
                ("POST", "verify", {"authenticator": id, "response": crowd.names["totp_code"]}),
                ("POST", "verify", {"challenge": id, "response": crowd.names["code"]}),
                ("POST", "enroll/confirm", {"enrollment": id, "response": crowd.names["sms_code"]}),
                ("PATCH", f"authenticators/{id}", {"label": "Mine"}),
                ("PATCH", f"authenticators/{id}", {"default": True}),
                ("DELETE", f"authenticators/{id}", None),
                ("DELETE", f"browsers/{id}", None),
            ):
                await crowd.restore()
                reply = await browser.api(method, call, body)
                assert (reply.status, reply.reason) == (404, "not_found"), (name, call)
                found.append({**reply.json(), "ref": ""})
            for action in ("rename", "default", "remove", "forget"):
                await crowd.restore()
                fields = {"action": action, "authenticator": id, "browser": id, "label": "Mine"}
                page = await submit(browser, "/mfa", fields)
                assert page.status == 422, (name, action)
                found.append(DRAWN.sub("", page.text))
            answers.append(found)
        assert answers[0] == answers[1], name


async def test_counters_are_apart(world: World) -> None:
    """Using up one account's attempts, sends and malformed answers costs no other account any.

    An account with the same id in another tenant is another account. Requirement S-121.
    """
    for id, tenant in (("ann", "alpha"), ("bob", "alpha"), ("ann", "beta")):
        await (await world.browser(id, tenant)).enroll_email()
    world.clock.advance(3600)
    mallory = await world.browser("ann", "alpha")
    email = await mallory.authenticator("email")
    for _ in range(80):
        await mallory.api("POST", "verify", {"authenticator": email, "response": "x"})
        await mallory.api("POST", "challenge", {"authenticator": email})
    await mallory.lock_by("email")
    for id, tenant in (("bob", "alpha"), ("ann", "beta")):
        other = await world.browser(id, tenant)
        mine = await other.authenticator("email")
        assert (await other.api("POST", "verify", {"authenticator": mine, "response": "x"})).reason == "malformed"
        assert (await other.api("POST", "challenge", {"authenticator": mine})).status == 201
        assert (await other.state())["attempts_remaining"] == 7


async def test_names_that_run_together(world: World) -> None:
    """No pair of tenant and id meets another pair: the two values stay apart everywhere.

    Requirements S-40, S-121.
    """
    pairs = [
        ("a", "b/c"),
        ("a/b", "c"),
        ("a:b", "c"),
        ("a", "b:c"),
        ("a\u00a7", "b"),
        ("a|b", "c"),
        ("ab", "c"),
        ("a", "bc"),
    ]
    made = {}
    for tenant, id in pairs:
        browser = await world.enrolled(id, tenant)
        assert await browser.is_in()
        made[tenant, id] = browser
    handles = {browser.handle for browser in made.values()}
    assert len(handles) == len(pairs)
    for (tenant, id), browser in made.items():
        others = [account for pair, account in made.items() if pair != (tenant, id)]
        for other in others:
            stolen = await world.browser(
                id, tenant, cookies={**other.cookies, browser.handle: other.cookies[other.handle]}
            )
            assert not await stolen.is_in()


@pytest.mark.parametrize("id", ["Ann", "ANN", "ann ", " ann", "\uff41nn", "a\u0301nn", "ann\u200b", "ann\x00", "ann\n"])
async def test_spellings_of_a_name(world: World, id: str) -> None:
    """Another spelling of an id is refused, or is another person without a factor.

    It is never a second budget for Ann's factor. Requirement S-40.
    """
    ann = await world.enrolled("ann")
    other = await world.browser(id)
    reply = await other.api("GET", "state")
    if reply.status == 503:
        return
    assert reply.json()["authenticators"] == []
    totp = await ann.authenticator("totp")
    assert (await other.api("POST", "verify", {"authenticator": totp, "response": "000000"})).status == 404


async def test_the_trail_is_each_tenants_own(crowd: Crowd) -> None:
    """S-121: refused tries at another tenant's desk are written into no trail but one's own."""
    browser, store = crowd.browsers["other tenant"], crowd.world.store
    before = (await store.events("alpha", limit=200)).items
    for call in ("accounts", "events", "tenant", "accounts/ann", "accounts/lou"):
        await browser.api("GET", f"admin/{call}?tenant=alpha")
    for deed in ("unlock", "lock", "ticket"):
        await browser.api("POST", f"admin/accounts/lou/{deed}?tenant=alpha", {"reason": "because"})
    assert (await store.events("alpha", limit=200)).items == before
    mine = (await store.events("beta", limit=200)).items
    assert "lou" not in json.dumps([event.account for event in mine])
    assert (await store.load(SubjectKey("alpha", "lou"))).lock is not None
