"""A browser at a front desk, used by very many people."""

from __future__ import annotations

import re

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


def test_notes_go_with_their_person_and_other_cookies_stay() -> None:
    """Nothing but our own cookies is touched, and never those of the person who asks."""
    names = [f"mfa-{number:010d}" for number in range(MAX_PEOPLE + 2)]
    cookies = [f"{names[0]}-to=x", *(f"{name}=1" for name in names), "session=s", "mfa-zone=UTC", "mfa-phone=p"]
    scope = http_scope("GET", "/", headers=[("cookie", "; ".join(cookies))])
    gone = [header[1].decode().partition("=")[0] for header in drop_crowd(scope, keep=(names[1].encode(),))]
    assert gone == [f"{names[0]}-to", names[0], names[2]]
    assert drop_crowd(http_scope("GET", "/", headers=[("cookie", "; ".join(cookies[3:]))]), keep=()) == []
