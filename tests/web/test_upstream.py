"""Sign-ins at an identity provider that count as the second factor.

They count if the policy says so, once, and in one place.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from mfa_gate.core.rules import DAY, EnrollmentRules, PathRule, Rules, StepUpRule
from mfa_gate.identity import SessionUser
from mfa_gate.ports import FreshSignIn
from tests.harness import FETCH, HOME, ORIGIN, PAGE, START, Browser, World, make_world, with_rules

HOTEL = "198.51.100.23"
KEYS = SessionUser("user_id", tenant="org", groups="groups", session="sid", amr="amr", acr="acr", auth_time="auth_time")
STRONG = StepUpRule(name="keys", paths=(PathRule(text="/files/**"),), phishing_resistant=True)


def trusting(rules: Rules) -> Rules:
    """The word "mfa" counts, and so does one class."""
    return replace(
        rules,
        factors=replace(rules.factors, allowed=(*rules.factors.allowed, "webauthn")),
        freshness=replace(rules.freshness, trust_amr=("mfa",), trust_acr=("gold",)),
        step_up=(STRONG,),
        enrollment=EnrollmentRules(first="open"),
    )


@pytest.fixture
def world() -> World:
    """A host that signs in elsewhere, under a policy that trusts the words "mfa" and "gold"."""
    return make_world(policy=with_rules(trusting), identify=KEYS)


async def signed_in(world: World, *, address: str = HOME, at: int | None = None, **told: Any) -> Browser:
    """Sign in a person whom the identity provider has just confirmed.

    ``told`` is added to the session besides the time.
    """
    browser = Browser(world, address=address)
    session = {"user_id": "ann", "org": "alpha", "groups": [], "sid": "s1", "auth_time": at or int(world.clock.now())}
    await browser.ask("POST", "/login", body=json.dumps({**session, **told}).encode())
    return browser


async def test_counts(world: World) -> None:
    """A sign-in with the trusted word passes at once and is listed like a browser.

    It is an event.
    """
    ann = await signed_in(world, amr=["pwd", "mfa"])
    assert (await ann.page("/records")).status == 200
    assert [event.reason for event in world.kinds("proof.upstream")] == ["mfa"]
    state = (await ann.api("GET", "state")).json()
    assert state["proof"] == {"factor": "upstream", "at": state["proof"]["at"], "ends_at": state["proof"]["ends_at"]}
    listed = (await ann.api("GET", "browsers")).json()["browsers"]
    assert [row["network"] for row in listed] == [HOME]
    assert (await ann.page("/mfa")).status == 200


async def test_counts_again_after_a_sign_out_here(world: World) -> None:
    """The provider's sign-in goes on: its time and the session's name come back."""
    at = int(world.clock.now())
    ann = await signed_in(world, amr=["mfa"])
    assert (await ann.page("/records")).status == 200
    world.clock.advance(600)
    await ann.ask("GET", "/logout")
    world.clock.advance(60)
    session = {"user_id": "ann", "org": "alpha", "groups": [], "sid": "s1", "auth_time": at, "amr": ["mfa"]}
    await ann.ask("POST", "/login", body=json.dumps(session).encode())
    assert (await ann.page("/records")).status == 200


async def test_class_counts(world: World) -> None:
    """The class does as well as a word."""
    ann = await signed_in(world, acr="gold")
    assert (await ann.page("/records")).status == 200


@pytest.mark.parametrize(
    "told",
    [
        {"amr": ["pwd"]},
        {"acr": "silver"},
        {"amr": ["mfa"], "auth_time": None},
        {"amr": ["mfa"], "auth_time": "now"},
        {"amr": ["mfa"], "auth_time": True},
        {"amr": ["mfa"], "auth_time": 0},
        {"amr": ["mfa"], "auth_time": START + 3600},
        {"amr": ["mfa"], "auth_time": START - 7 * DAY},
        {"amr": {"mfa": 1}},
        {"amr": [["mfa"]]},
    ],
    ids=str,
)
async def test_does_not_count(world: World, told: dict[str, Any]) -> None:
    """A sign-in without the trusted word or a good time leads to enrollment.

    The time is missing, to come, or seven days ago. Or the claim has a shape that nobody agreed on.
    """
    ann = await signed_in(world, **told)
    assert (await ann.page("/records")).location.startswith("/mfa/enroll")
    assert world.kinds("proof.upstream") == []


async def test_untrusted() -> None:
    """Without the key in the policy the word means nothing."""
    world = make_world(identify=KEYS)
    ann = await signed_in(world, amr=["mfa"])
    assert (await ann.page("/records")).location.startswith("/mfa/enroll")


async def test_stolen_session(world: World) -> None:
    """The same session from another network passes nothing and enrolls nothing.

    A new sign-in is the way.
    """
    ann = await signed_in(world, amr=["mfa"])
    await ann.page("/records")
    thief = Browser(world, address=HOTEL, cookies=dict(ann.cookies))
    assert (await thief.page("/records")).location.startswith("/mfa/challenge")
    page = await thief.page("/mfa/challenge")
    assert "Sign in again" in page.text
    assert "different network" in page.text
    assert (await thief.page("/mfa/enroll")).location.startswith("/mfa/challenge")
    refused = await thief.api("POST", "enroll", {"factor": "totp"})
    assert (refused.status, refused.reason) == (403, "proof_required")
    assert (await thief.api("GET", "state")).json()["reason"] == "ip_changed"
    assert (await ann.page("/records")).status == 200
    world.clock.advance(60)
    anew = await signed_in(world, address=HOTEL, amr=["mfa"])
    assert (await anew.page("/records")).status == 200


async def test_stolen_before_it_was_needed(world: World) -> None:
    """A sign-in is bound where it is first seen, even while a proof of ours makes it needless."""
    ann = await signed_in(world)
    await ann.enroll()
    ann.cookies |= (await signed_in(world, amr=["mfa"])).cookies
    assert (await ann.page("/records")).status == 200
    session = {name: value for name, value in ann.cookies.items() if name == "session"}
    thief = Browser(world, address=HOTEL, cookies=session)
    assert (await thief.page("/records")).location.startswith("/mfa/challenge")


async def test_seven_days(world: World) -> None:
    """The proof is as old as the sign-in elsewhere, not as the first request.

    After seven days a new sign-in is asked for, never an enrollment.
    """
    ann = await signed_in(world, amr=["mfa"], at=START - 6 * DAY)
    assert (await ann.page("/records")).status == 200
    world.clock.advance(DAY - 1)
    assert (await ann.page("/records")).status == 200
    world.clock.advance(1)
    assert (await ann.page("/records")).location.startswith("/mfa/challenge")
    assert (await ann.api("GET", "state")).json()["reason"] == "expired"
    assert (await ann.page("/mfa/enroll")).location.startswith("/mfa/challenge")


async def test_forgotten(world: World) -> None:
    """A sign-in that was forgotten in the list of browsers ends at once.

    It never comes back with the same sign-in.
    """
    ann = await signed_in(world, amr=["mfa"])
    await ann.page("/records")
    id = (await ann.api("GET", "browsers")).json()["browsers"][0]["id"]
    assert (await ann.api("DELETE", f"browsers/{id}")).status == 204
    assert (await ann.page("/records")).location.startswith("/mfa/challenge")


@pytest.mark.parametrize("how", ["lock", "reset", "dispute"])
async def test_ended(world: World, how: str) -> None:
    """A lock, a reset and "this was not me" end a sign-in.

    They also end earlier sign-ins that nobody had seen yet.
    """
    ann = await signed_in(world, amr=["mfa"])
    await ann.page("/records")
    unseen = await signed_in(world, amr=["mfa"], at=START - 5)
    await end(world, how)
    for browser in (ann, unseen):
        assert (await browser.page("/records")).status == 303
    world.clock.advance(60)
    anew = await signed_in(world, amr=["mfa"])
    assert (await anew.page("/records")).status == 200


async def end(world: World, how: str) -> None:
    """Lock, reset or dispute the account, as ``how`` says, by the real changes.

    Each ends all proofs. A lock is opened again.
    """
    from mfa_gate.core.changes.admin import lock, reset, unlock
    from mfa_gate.core.changes.dispute import dispute

    key, moment = (await world.account()).key, world.engine.moment(actor="boss")
    match how:
        case "lock":
            await world.engine.change(key, lambda account: lock(account, moment, reason="lost"))
            world.clock.advance(5)
            later = world.engine.moment(actor="boss")
            await world.engine.change(key, lambda account: unlock(account, later, reason="found"))
        case "reset":
            await world.engine.change(key, lambda account: reset(account, moment, ticket="T-1", reason="lost"))
        case "dispute":
            await world.engine.change(key, lambda account: dispute(account, moment, about="", kind=""))


async def test_locked(world: World) -> None:
    """While the account is locked no sign-in elsewhere lets anybody in."""
    from mfa_gate.core.changes.admin import lock

    moment = world.engine.moment(actor="boss")
    await world.gate.web.open()
    await world.engine.change((await world.account()).key, lambda account: lock(account, moment, reason="lost"))
    world.clock.advance(60)
    ann = await signed_in(world, amr=["mfa"])
    assert (await ann.page("/records")).location.startswith("/mfa/locked")
    assert world.kinds("proof.upstream") == []


async def test_not_phishing_resistant(world: World) -> None:
    """A rule that asks for phishing resistance is not met by a sign-in elsewhere.

    The words of the provider do not matter. It leads to enrolling a key.
    """
    ann = await signed_in(world, amr=["mfa", "hwk", "phr"])
    assert (await ann.page("/records")).status == 200
    refused = await ann.page("/files/plan")
    assert refused.status == 303
    assert world.reached.count(("http", "GET", "/files/plan")) == 0


async def test_first_factor_needs_a_fresh_sign_in(world: World) -> None:
    """A person with only a sign-in elsewhere enrolls within five minutes after it.

    An older sign-in is not enough, as with any other proof.
    """
    ann = await signed_in(world, amr=["mfa"])
    assert (await ann.page("/mfa/enroll")).status == 200
    world.clock.advance(301)
    assert (await ann.page("/mfa/enroll")).location.startswith("/mfa/challenge")
    refused = await ann.api("POST", "enroll", {"factor": "totp"})
    assert (refused.status, refused.reason) == (403, "proof_required")


async def test_many_sign_ins(world: World) -> None:
    """After more sign-ins than are remembered, the oldest counts nowhere.

    It cannot be seen "first" a second time.
    """
    first = await signed_in(world, amr=["mfa"])
    await first.page("/records")
    for _ in range(12):
        world.clock.advance(30)
        assert (await (await signed_in(world, amr=["mfa"])).page("/records")).status == 200
    thief = Browser(world, address=HOTEL, cookies=dict(first.cookies))
    assert (await thief.page("/records")).status == 303
    assert len((await world.account()).logins) == 10


# -- the way to a fresh sign-in ------------------------------------------------------------------------------------------


def again(connection: Any, wish: FreshSignIn) -> str:
    """Make the address of the host's own sign-in, as a host would."""
    return (
        f"/oidc?{urlencode({'max_age': wish.max_age, 'acr_values': ' '.join(wish.acr_values), 'next': wish.return_to})}"
    )


def resisting(rules: Rules) -> Rules:
    """The class "phr" counts besides, and no factor of ours resists phishing."""
    return replace(trusting(rules), freshness=replace(rules.freshness, trust_amr=("mfa",), trust_acr=("gold", "phr")))


def link_in(text: str) -> str:
    """Find the link to the sign-in, with its parameters."""
    (found,) = re.findall(r'class="button primary" href="([^"]+)"', text)
    return html.unescape(found)


async def test_a_link_to_a_fresh_sign_in_and_back() -> None:
    """V-27: the page links to the address that the host makes, which knows the way back."""
    world = make_world(policy=with_rules(trusting), identify=KEYS, sign_in_again=again)
    ann = await signed_in(world, amr=["mfa"])
    await ann.page("/records")
    world.clock.advance(7 * DAY)
    assert (await ann.page("/records?open=7")).status == 303
    page = await ann.page("/mfa/challenge")
    assert link_in(page.text) == "/oidc?max_age=604800&acr_values=gold&next=%2Fmfa%2Fchallenge"
    assert "Sign in again" in page.text
    ann.cookies |= (await signed_in(world, amr=["mfa"])).cookies
    assert (await ann.page("/mfa/challenge")).location == "/records?open=7"


async def test_another_network_asks_for_a_sign_in_now() -> None:
    """The provider must not answer with the sign-in that it knows already."""
    world = make_world(policy=with_rules(trusting), identify=KEYS, sign_in_again=again)
    ann = await signed_in(world, amr=["mfa"])
    await ann.page("/records")
    elsewhere = Browser(world, address=HOTEL, cookies=dict(ann.cookies))
    await elsewhere.page("/records")
    assert "max_age=0&" in link_in((await elsewhere.page("/mfa/challenge")).text)


@pytest.mark.parametrize("headers", [PAGE, (*FETCH, ("referer", f"{ORIGIN}/records"))], ids=["page", "fetch"])
async def test_phishing_resistance_of_the_provider(headers: Any) -> None:
    """A class that the policy names meets the rule; the step-up leads there and back."""
    world = make_world(policy=with_rules(resisting), identify=KEYS, sign_in_again=again)
    ann = await signed_in(world, amr=["mfa"])
    assert (await ann.page("/records")).status == 200
    refused = await ann.ask("GET", "/files/plan", headers=headers)
    place = refused.location or refused.json()["challenge_url"]
    wish = dict(parse_qsl(link_in((await ann.page(place)).text).partition("?")[2]))
    assert wish["acr_values"] == "phr"
    assert wish["next"].endswith("/challenge")
    world.clock.advance(30)
    ann.cookies |= (await signed_in(world, acr="phr")).cookies
    assert (await ann.page(wish["next"])).location == ("/files/plan" if headers is PAGE else "/records")
    assert (await ann.page("/files/plan")).status == 200


@pytest.mark.parametrize(
    "told", [{"acr": "gold"}, {"amr": ["mfa", "phr"], "acr": "gold"}, {"amr": ["mfa"], "acr": "phrh"}], ids=str
)
async def test_other_words_do_not_resist_phishing(told: dict[str, Any]) -> None:
    """Only a class counts that the policy trusts and names for it, and no word of amr."""
    world = make_world(policy=with_rules(resisting), identify=KEYS)
    ann = await signed_in(world, **told)
    assert (await ann.page("/records")).status == 200
    assert (await ann.page("/files/plan")).location == "/mfa/challenge"
    assert "Sign in again" in (await ann.page("/mfa/challenge")).text


async def test_a_class_that_counts_no_more() -> None:
    """The policy in force decides, not the one of the sign-in."""
    world = make_world(policy=with_rules(resisting), identify=KEYS)
    ann = await signed_in(world, acr="phr")
    assert (await ann.page("/files/plan")).status == 200

    def narrowed(rules: Rules) -> Rules:
        made = resisting(rules)
        return replace(made, freshness=replace(made.freshness, phishing_resistant_acr=()))

    world.engine.use_policy(with_rules(narrowed))
    assert (await ann.page("/records")).status == 200
    assert (await ann.page("/files/plan")).status == 303


@pytest.mark.parametrize(
    "made", ["https://idp.example/authorize?x=1", "javascript:alert(1)", "//idp.example", "", None, 7]
)
async def test_the_address_that_the_host_makes(made: Any) -> None:
    """A path of the app or a whole address is linked; anything else is logged and left out."""

    async def slowly(connection: Any, wish: FreshSignIn) -> Any:
        return made

    world = make_world(policy=with_rules(trusting), identify=KEYS, sign_in_again=slowly)
    ann = await signed_in(world, amr=["mfa"])
    await ann.page("/records")
    world.clock.advance(7 * DAY)
    await ann.page("/records")
    page = await ann.page("/mfa/challenge")
    assert page.status == 200
    assert link_in(page.text) == (made if isinstance(made, str) and made.startswith("https:") else "/logout")


async def test_below_a_root() -> None:
    """A path of the app gets the root before it, as sign_in does."""
    world = make_world(policy=with_rules(trusting), identify=KEYS, sign_in_again=again)
    ann = await signed_in(world, amr=["mfa"])
    await ann.page("/records")
    world.clock.advance(7 * DAY)
    page = await ann.page("/app/mfa/challenge", root_path="/app")
    assert link_in(page.text).startswith("/app/oidc?")
    assert "next=%2Fapp%2Fmfa%2Fchallenge" in link_in(page.text)
