"""The address in messages is that of the first visit, and another one is told once."""

from __future__ import annotations

import pytest

from mfa_gate.service.own_address import OwnAddress, is_root
from tests.harness import ORIGIN, World


def fresh(world: World) -> OwnAddress:
    """Make the address as another worker over the store does."""
    return OwnAddress(world.engine.wiring, world.engine.public)


async def test_the_first_visit_names_the_address(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Another root is logged, once; the same one is not."""
    own = fresh(world)
    assert (own.address, await own.look_up()) == (None, f"{ORIGIN}/mfa")
    for root, lines in (("/app", 0), ("/app", 0), ("/other", 1), ("/third", 1), (None, 1)):
        await own.visited(root)
        assert (own.root, own.address) == ("/app", f"{ORIGIN}/app/mfa")
        assert caplog.text.count("people come to the app below") == lines
    assert "'/other'" in caplog.text
    assert await fresh(world).look_up() == f"{ORIGIN}/app/mfa"


async def test_a_root_that_each_visitor_chooses(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Mails have no link then, until a visit comes below a path of the app."""
    own = fresh(world)
    await own.visited(None)
    assert (own.root, own.address, caplog.text.count("the visitor's choice")) == (None, "", 1)
    assert await fresh(world).look_up() == ""
    await own.visited("")
    assert (own.root, own.address) == ("", f"{ORIGIN}/mfa")


async def test_the_root_of_the_server_in_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """It is written as a slash."""
    own = fresh(world)
    await own.visited("/app")
    await own.visited("")
    assert "below '/', but" in caplog.text


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("", True),
        ("/app", True),
        ("/a/b", True),
        ("/a%20b", True),
        ("app", False),
        ("/app/", False),
        ("/", False),
        ("/../a", False),
        ("/./a", False),
        ("/a/..", False),
        ("//a", False),
        ("/a//b", False),
        ("/a?b", False),
        ("/a#b", False),
        ("/a b", False),
    ],
)
def test_a_root_path(text: str, is_one: bool) -> None:
    """Only the path of an address may change by it."""
    assert is_root(text) is is_one
