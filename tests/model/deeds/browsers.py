"""Browsers are signed in, moved, and copied by thieves."""

from __future__ import annotations

from tests.harness import HOME

from ..deed import SEATS, Deed
from ..seats import PEOPLE
from ..stage import Stage

NETWORKS = (HOME, "198.51.100.9", "2001:db8::1")


def sign_in(life: Stage, number: int, who: tuple[str, str]) -> None:
    """Sign in with the password, maybe where somebody else was."""
    life.sign_in_as(number, who)


def visit(life: Stage, number: int) -> None:
    """Ask for a page."""
    life.look(number)


def move(life: Stage, number: int, network: str) -> None:
    """Change the network."""
    life.seats[number].network = life.seats[number].browser.address = network


def steal(life: Stage, number: int, victim: int) -> None:
    """Copy all cookies of another browser. The thief stays on a network of their own."""
    here, there = life.seats[number], life.seats[victim]
    if here.app != there.app or here is there:
        return
    here.browser.cookies = dict(there.browser.cookies)
    here.browser.id, here.browser.tenant = there.browser.id, there.browser.tenant
    here.who, here.session, here.marks = there.who, there.session, dict(there.marks)


DEEDS = (
    Deed(sign_in, {"number": SEATS, "who": PEOPLE}),
    Deed(visit, {"number": SEATS}),
    Deed(move, {"number": SEATS, "network": NETWORKS}),
    Deed(steal, {"number": SEATS, "victim": SEATS}),
)
