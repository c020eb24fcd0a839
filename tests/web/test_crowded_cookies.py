"""A browser at a front desk, used by very many people."""

from __future__ import annotations

import re

import pytest

from mfa_gate.core.rules import DAY
from mfa_gate.web.crowded_cookies import MAX_PEOPLE, drop_crowd
from tests.harness import PAGE, http_scope, make_world, running

OURS = re.compile(r"mfa-[a-z0-9]{10}")


async def test_a_browser_of_sixty_people_stays_below_the_limit_of_proxies() -> None:
    """The last people keep their cookies, and ours stay below 4 KiB in all (F-31)."""
    world, jar = make_world(), dict[str, str]()
    async with running(world):
        for number in range(60):
            person = await world.browser(f"person{number}", cookies=jar)
            assert (await person.page("/mfa/enroll", headers=PAGE)).status == 200
            jar = person.cookies
            people = [name for name in jar if OURS.fullmatch(name)]
            assert len(people) == min(number + 1, MAX_PEOPLE + 1)
            assert person.handle
    assert sum(len(name) + len(value) + 3 for name, value in jar.items() if name != "session") < 4096


@pytest.mark.parametrize("are_known", [False, True])
async def test_people_who_left_half_way_leave_room_for_the_next(are_known: bool) -> None:
    """Their notes go before a proxy refuses the header, and nobody's proof does (F-31).

    It is the same for people who have used the browser before.
    """
    world, jar, largest = make_world(), dict[str, str](), 0
    async with running(world):
        for number in range(20 if are_known else 0):
            jar = (await world.enrolled(f"person{number}", cookies=jar)).cookies
        world.clock.advance(8 * DAY)
        ann = await world.enrolled("ann", cookies=jar)
        jar = ann.cookies
        for number in range(20):
            person = await world.browser(f"person{number}", cookies=jar)
            assert (await person.page("/records?q=" + "x" * 900)).status == 303
            jar = person.cookies
            largest = max(largest, len(person.cookie_header()))
            assert sum(name.endswith("-to") for name in jar) >= 1
        assert largest < 8192 - 1024
        ann.cookies = {**jar, "session": ann.cookies["session"]}
        assert await ann.is_in()


def test_notes_go_with_their_person_and_other_cookies_stay() -> None:
    """Nothing but our own cookies is touched, and never those of the person who asks."""
    names = [f"mfa-{number:010d}" for number in range(MAX_PEOPLE + 2)]
    cookies = [f"{names[0]}-to=x", *(f"{name}=1" for name in names), "session=s", "mfa-zone=UTC", "mfa-phone=p"]
    scope = http_scope("GET", "/", headers=[("cookie", "; ".join(cookies))])
    gone = [header[1].decode().partition("=")[0] for header in drop_crowd(scope, keep=(names[1].encode(),))]
    assert gone == [f"{names[0]}-to", names[0], names[2]]
    assert drop_crowd(http_scope("GET", "/", headers=[("cookie", "; ".join(cookies[3:]))]), keep=()) == []


def test_the_oldest_notes_go_first() -> None:
    """As many as take too much room, and no cookie without which a proof would be lost."""
    cookies = [part for number in range(4) for part in (f"mfa-{number:010d}=h", f"mfa-{number:010d}-to={'x' * 1500}")]
    scope = http_scope("GET", "/", headers=[("cookie", "; ".join(cookies))])
    gone = [header[1].decode().partition("=")[0] for header in drop_crowd(scope, keep=(b"mfa-0000000000",))]
    assert gone == ["mfa-0000000001-to", "mfa-0000000002-to"]
