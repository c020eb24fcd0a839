"""Usual forms of an address are read.

V-5, V-6. A caller without one is named once in the log, with the fix.
"""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.harness import FETCH, Browser, World, make_world, running

SAID = "a signed-in caller has no readable address, so no proof holds for the next request"


async def ask(world: World, ann: Browser, forwarded: str = "", times: int = 3) -> list[int]:
    """Ask several times, as the proxy hands it on."""
    headers = [*FETCH, ("x-forwarded-for", forwarded)] if forwarded else [*FETCH]
    return [(await ann.ask("GET", "/records", headers=headers)).status for _ in range(times)]


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """List the lines about such callers."""
    found = [record for record in caplog.records if SAID in record.getMessage()]
    assert {record.levelno for record in found} <= {logging.WARNING}
    return [record.getMessage() for record in found]


FORMS = {
    "203.0.113.7": "203.0.113.7:51008",
    "2001:db8::7": "[2001:db8::7]",
    "2001:db8::8": "[2001:db8::8]:443",
    "203.0.113.9": "::ffff:203.0.113.9",
}


@pytest.mark.parametrize("proxy", ["10.0.0.5", None, ""], ids=["a proxy", "a socket", "an empty peer"])
async def test_usual_forms(proxy: str | None, caplog: pytest.LogCaptureFixture) -> None:
    """An address with port or brackets is read.

    The proxy has an address, or stands at a unix socket.
    """
    for plain, written in FORMS.items():
        async with running(make_world(trusted_proxies=["10.0.0.5", "unix"])) as world:
            ann = await world.browser(address=plain)
            await ann.enroll()
            ann.address = proxy
            assert await ask(world, ann, written) == [200, 200, 200], written
            assert await ask(world, ann, "203.0.113.77:51008", 1) == [403]
    assert said(caplog) == []


CAUSES: dict[str, tuple[Any, list[str], str, str]] = {
    "a socket that nobody trusts": (None, [], "", 'give trusted_proxies=["unix"] for the proxy in front'),
    "an empty peer": ("", ["10.0.0.5"], "203.0.113.7", 'give trusted_proxies=["unix"]'),
    "a silent proxy at a socket": (None, ["unix"], "", "the proxy in front sends no X-Forwarded-For; let it send"),
    "a word": ("10.0.0.5", ["10.0.0.5"], "unknown", "X-Forwarded-For with 'unknown', which is no address"),
    "an empty hop": ("10.0.0.5", ["10.0.0.5"], "203.0.113.7,", "X-Forwarded-For with '', which is no address"),
    "a socket in the header": (None, ["unix"], "unix:", "X-Forwarded-For with 'unix:', which is no address"),
    "behind a proxy of ours": ("10.0.0.5", ["10.0.0.0/30", "10.0.0.5"], "_hidden, 10.0.0.1", "with '_hidden', which"),
    "a test client": ("testclient", [], "", "names its peer 'testclient', which is no address; a test client gets one"),
}


@pytest.mark.parametrize("name", CAUSES)
async def test_each_cause_is_named_once(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The log says what came and what to change, however many requests follow."""
    peer, trusted, forwarded, words = CAUSES[name]
    async with running(make_world(trusted_proxies=trusted)) as world:
        ann = await world.browser()
        await ann.enroll()
        ann.address = peer
        assert await ask(world, ann, forwarded) == [403, 403, 403]
    (line,) = said(caplog)
    assert words in line


OTHERS = {
    "Forwarded": ("for=unknown;proto=https", "has sent Forwarded with 'for=unknown;proto=https', which is no address"),
    "CF-Connecting-IP": ("somewhere", "has sent Cf-Connecting-Ip with 'somewhere', which is no address; let it send"),
    "X-Real-IP": ("", "the proxy in front sends no X-Real-Ip; let it send the client's address alone"),
}


@pytest.mark.parametrize("name", OTHERS)
async def test_another_header(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The header that the host has named is looked at, and named."""
    value, words = OTHERS[name]
    async with running(make_world(trusted_proxies=["10.0.0.5"], address_header=name)) as world:
        ann = await world.browser(address="10.0.0.5")
        headers = [*FETCH, (name.lower(), value)] if value else [*FETCH]
        for _ in range(2):
            assert (await ann.ask("GET", "/records", headers=headers)).status == 403
    (line,) = said(caplog)
    assert words in line


async def test_strangers_are_not_named(caplog: pytest.LogCaptureFixture) -> None:
    """Of people who are not signed in nothing is asked, so their address is nobody's concern."""
    async with running(make_world()) as world:
        await ask(world, Browser(world, address=None))
    assert said(caplog) == []


async def test_what_came_is_one_short_line(caplog: pytest.LogCaptureFixture) -> None:
    """A hop that a stranger writes makes no line of its own, and no long one."""
    async with running(make_world(trusted_proxies=["10.0.0.5"])) as world:
        ann = await world.browser(address="10.0.0.5")
        await ask(world, ann, "\r\nmfa_gate: all is well" + "x" * 5000)
    (line,) = said(caplog)
    assert "\n" not in line
    assert len(line) < 500


UNLISTED = "sends X-Forwarded-For and is not in trusted_proxies"


def named_proxies(caplog: pytest.LogCaptureFixture) -> list[str]:
    """List the peers that the log takes for a proxy which nobody has named."""
    told = [record.getMessage() for record in caplog.records if UNLISTED in record.getMessage()]
    return [line.split()[1] for line in told]


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "told"),
    [
        (["10.0.0.5"], "10.0.0.6", "203.0.113.7", ["10.0.0.6"]),
        ([], "172.18.0.3", "203.0.113.7", ["172.18.0.3"]),
        (["10.0.0.5"], "10.0.0.5", "203.0.113.7", []),
        (["10.0.0.5"], "203.0.113.7", "", []),
        ([], "203.0.113.7", "203.0.113.7", []),
    ],
    ids=["another address", "none is named", "the named one", "no header", "read by the server"],
)
async def test_a_proxy_that_nobody_has_named(
    trusted: list[str], peer: str, forwarded: str, told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A proxy that was added, or has another address now, is named once with the fix (F-34)."""
    async with running(make_world(trusted_proxies=trusted)) as world:
        for id in ("ann", "bob"):
            person = await world.browser(id, address=peer)
            assert await ask(world, person, forwarded) == [403, 403, 403]
    assert named_proxies(caplog) == told


async def test_visitors_who_write_the_header_fill_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """They are named, too, for a proxy may have a public address: twenty, and no more."""
    async with running(make_world(trusted_proxies=["10.0.0.5"])) as world:
        ann = await world.browser()
        for number in range(30):
            ann.address = f"198.51.100.{number}"
            await ask(world, ann, "203.0.113.7", 1)
    assert len(named_proxies(caplog)) == 20
