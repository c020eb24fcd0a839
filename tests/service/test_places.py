"""The host describes networks: on one's own page, in mails, in JSON, and to the phone."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest

from mfa_gate.core.rules import RoleRules
from mfa_gate.service import places as module
from mfa_gate.service.places import Places
from tests.harness import FORM, HOME, PAGE, make_world, running, with_rules

ROLES = RoleRules(look=("desk",), unlock=("desk",), audit=("desk",))

ASKED: list[str] = []


def describe(network: str) -> str:
    """Know one network."""
    ASKED.append(network)
    return "Boston, MA" if network == HOME else ""


async def test_the_place_stands_beside_the_address() -> None:
    """On the page, in the list of browsers, in a notice, and in the mail with a code."""
    async with running(make_world(describe_network=describe)) as world:
        ann = await world.enrolled()
        await ann.enroll_email()
        page = (await ann.page("/mfa")).text
        assert '<bdi class="whole">Boston, MA</bdi> (<bdi class="where whole" dir="ltr">203.0.113.7</bdi>)' in page
        (browser,) = (await ann.api("GET", "browsers")).json()["browsers"]
        assert (browser["network"], browser["place"]) == (HOME, "Boston, MA")
        await world.engine.effects.idle()
        texts = [message.text for message in world.email.messages]
        assert len(texts) >= 3
        assert all("203.0.113.7, near Boston, MA" in text for text in texts)


async def test_the_place_is_told_to_those_who_help() -> None:
    """It stands in an alarm, on the desk's page of an account, and on a notice's page."""
    policy = with_rules(lambda rules: replace(rules, owner="security@example.org", roles=ROLES))
    async with running(make_world(policy=policy, describe_network=describe)) as world:
        ann, boss = await world.enrolled(), await world.enrolled("boss", groups=["desk"])
        told = '<bdi class="whole">Boston, MA</bdi> (<bdi class="where whole" dir="ltr">203.0.113.7</bdi>)'
        page = (await boss.page("/mfa/admin/accounts/ann")).text
        assert page.count(told) >= 2, page
        await world.engine.effects.idle()
        mail = next(message for message in world.email.messages if "/dispute/" in message.text)
        path = re.findall(r"localhost:8000(/mfa/dispute/[\w-]+)", mail.text)[0]
        assert told in (await ann.page(path)).text
        world.email.messages.clear()
        await ann.lock()
        await ann.ask("POST", path, headers=[*PAGE, FORM], body=b"action=dispute&sure=yes")
        await world.engine.effects.idle()
        alarms = [message.text for message in world.email.messages if message.to == "security@example.org"]
        assert alarms
        assert all("203.0.113.7, near Boston, MA" in text for text in alarms), alarms


async def test_a_network_without_a_place_stands_alone() -> None:
    """The host knows nothing of it."""
    async with running(make_world(describe_network=describe)) as world:
        ann = await world.enrolled(address="192.0.2.9")
        assert "near" not in world.email.messages[-1].text
        assert "place" not in (await ann.api("GET", "browsers")).json()["browsers"][0]


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        ("  Paris  ", "Paris"),
        (None, ""),
        (17, ""),
        ("a\nb", "a b"),
        ("see https://evil.example/x", "see https: evil. example/x"),
        ("x" * 500, "x" * 59 + "…"),
    ],
)
async def test_what_the_host_says_is_made_harmless(answer: object, place: str) -> None:
    """A place is one short line without a link (S-54)."""
    assert await Places(lambda network: answer).of(HOME) == place


async def test_a_fault_of_the_host_is_none_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """It raises or takes too long: the address stands alone, and it rests a while."""
    monkeypatch.setattr(module, "WITHIN", 0.01)
    asked: list[str] = []

    async def hangs(network: str) -> str:
        asked.append(network)
        await asyncio.sleep(5)
        return "nowhere"

    def breaks(network: str) -> str:
        asked.append(network)
        raise RuntimeError("no database")

    for hook in (hangs, breaks):
        places = Places(hook)
        assert [await places.of(HOME), await places.of(HOME)] == ["", ""]
    assert asked == [HOME, HOME]


async def test_what_is_asked_of_the_host() -> None:
    """Each network once an hour; a named or an unknown network never."""
    ASKED.clear()
    places = Places(describe)
    assert await places.all_of([HOME, HOME, "=office", ""]) == {HOME: "Boston, MA"}
    await places.of(HOME)
    assert ASKED == [HOME]


@pytest.mark.parametrize(("fails", "kept_for"), [(False, 3600), (True, 60)])
async def test_a_place_is_kept(fails: bool, kept_for: int) -> None:
    """For an hour; where the host did not answer, it is asked again after a minute."""
    asked: list[str] = []

    def describe(network: str) -> str:
        asked.append(network)
        if fails:
            raise RuntimeError("down")
        return "near the lake"

    places = Places(describe)
    await places.of("a")
    until, place = places._kept["a"]
    for passed, count in ((kept_for - 1, 1), (kept_for + 1, 2)):
        places._kept["a"] = (until - passed, place)
        await places.of("a")
        assert len(asked) == count
    places.close()


@pytest.mark.parametrize(("size", "kept"), [(60, 60), (61, 60)])
async def test_a_long_place_is_cut(size: int, kept: int) -> None:
    """No page is pushed apart by it."""
    places = Places(lambda network: "x" * size)
    assert len(await places.of("a")) == kept
    places.close()


async def test_an_answer_that_is_no_text_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    """The host knows no place: it is asked again after an hour, and nothing is logged."""
    places = Places(lambda network: 5)
    assert await places.of("a") == ""
    assert round(places._kept["a"][0] - asyncio.get_running_loop().time()) == 3600
    assert caplog.text == ""
    places.close()
