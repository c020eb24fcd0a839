"""Paths of rules: an exemption means one spelling, a protection means all spellings.

A rule that protects means every spelling that a router may take for the path.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.model import Seconds
from mfa_gate.core.policy import Facts, demands_for, exemption_for
from mfa_gate.core.rules import Exemption, PathRule, Rules, StepUpRule, path_in
from mfa_gate.web.scope import is_clean
from tests.harness import FETCH, RULES, make_world, with_rules

SPELLINGS = (
    "/export/",
    "/export//",
    "//export",
    "/Export",
    "/EXPORT/",
    "/export;x",
    "/./export",
    "/export/.",
    "/export%2f",
)


def facts(path: str) -> Facts:
    """A request for ``path``, as the gate sees it."""
    return Facts(tenant="alpha", groups=frozenset(), method="GET", path=path, clean=is_clean(path))


def stepped(text: str) -> Rules:
    """Rules that ask for a fresh proof at ``text``."""
    return Rules(step_up=(StepUpRule(name="export", paths=(PathRule(text=text),), max_age=Seconds(300)),))


@pytest.mark.parametrize("path", ["/export", *SPELLINGS])
@pytest.mark.parametrize("text", ["=/export", "/export/**"])
def test_protection_covers_every_spelling(text: str, path: str) -> None:
    """Doubt means that the rule holds."""
    met, _ = demands_for(stepped(text), facts(path))
    assert [demand.rule for demand in met] == ["freshness", "export"]


@pytest.mark.parametrize("path", ["/", "/exports", "/export/x", "/x/export", "/x"])
def test_protection_covers_no_other_page(path: str) -> None:
    """A rule with an exact path does not mean its neighbours."""
    met, _ = demands_for(stepped("=/export"), facts(path))
    assert [demand.rule for demand in met] == ["freshness"]


def test_the_root_is_a_page_like_others() -> None:
    """``=/`` means the root alone, however it is written."""
    for path in ("/", ""):
        assert len(demands_for(stepped("=/"), facts(path))[0]) == 2
    assert len(demands_for(stepped("=/"), facts("/x"))[0]) == 1


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/a", "/a"),
        ("/a?x=1", "/a"),
        ("/a#part", "/a"),
        ("/a%20b?x#y", "/a b"),
        ("/a#x?y", "/a"),
        ("?x=1", "/"),
        ("", "/"),
    ],
)
def test_the_path_of_a_target(target: str, path: str) -> None:
    """A page to go back to is judged by the path that a server would hand to the app."""
    assert path_in(target) == path


@pytest.mark.parametrize("path", SPELLINGS)
@pytest.mark.parametrize("text", ["=/export", "/Open/**"])
def test_an_exemption_is_exact(text: str, path: str) -> None:
    """Doubt means that it does not hold."""
    rule = Exemption(name="x", paths=(PathRule(text=text),))
    assert not exemption_for((rule,), facts(path), 0)


@pytest.mark.parametrize("path", SPELLINGS[:-1])
async def test_an_old_proof_opens_no_spelling(path: str) -> None:
    """No spelling of a protected path reaches the app with a proof from an hour ago.

    This goes through the whole gate, remembered decisions included.
    """
    rule = stepped("=/export").step_up
    world = make_world(policy=with_rules(lambda r: replace(r, step_up=rule)))
    browser = await world.enrolled()
    world.clock.advance(3600)
    assert await browser.is_in()
    assert await browser.is_in()
    world.reached.clear()
    assert (await browser.ask("GET", path, headers=FETCH)).status == 403
    assert not world.reached


async def test_an_exemption_ends_to_the_second() -> None:
    """A remembered exemption does not outlast the end of its rule."""
    short = replace(RULES.exempt[0], expires_at=1_750_000_010)
    world = make_world(policy=with_rules(lambda r: replace(r, exempt=(short,))))
    login = Exemption(name="login", paths=(PathRule(text="=/login"),))
    world.engine.use_policy(with_rules(lambda r: replace(r, exempt=(short, login))))
    browser = await world.browser()
    assert (await browser.ask("GET", "/public", headers=FETCH)).status == 200
    world.clock.advance(10)
    assert (await browser.ask("GET", "/public", headers=FETCH)).status == 403
