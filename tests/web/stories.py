"""The stories that are counted, each from the password until its method works."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pyotp

from mfa_gate.core.rules import EnrollmentRules, Policy, Rules
from mfa_gate.testing.softkey import SoftKey
from tests.harness import ORIGIN, World, make_world, running, with_rules

from .hand import Hand
from .phones import Phone

WAY_IN = "/records"
GLANCE, APP, SCAN, TOUCH, PRINTOUT = 3.0, 4.0, 10.0, 1.5, 6.0
"""Seconds outside of the page: a message, the app's code, the app and a picture, a finger on a key, a printout."""
NUMBER = "202 555 0143"
SAFE = "I have put these somewhere safe"
KINDS = ("webauthn", "push", "totp", "sms", "email")
Story = Callable[[Hand, World], Awaitable[None]]


def policy(kinds: tuple[str, ...], *, codes: bool) -> Policy:
    """Everybody may set up these kinds; ``codes`` gives backup codes with the first one."""
    allowed = (*kinds, "backup-code") if codes else kinds

    def change(rules: Rules) -> Rules:
        factors = replace(rules.factors, allowed=allowed, order=kinds)
        return replace(rules, factors=factors, enrollment=EnrollmentRules(first="open"))

    return with_rules(change)


async def walk(story: Story, *, codes: bool = False, kinds: tuple[str, ...] = KINDS) -> Hand:
    """Walk one story in a world of its own, and return the hand with its counts."""
    async with running(make_world(policy=policy(kinds, codes=codes))) as world:
        hand = Hand(await world.browser(), device=SoftKey(origin=ORIGIN))
        await story(hand, world)
        return hand


# -- to set up ---------------------------------------------------------------------------------------------------------


async def set_up_app(hand: Hand, world: World) -> None:
    """Choose the app, scan, try its code."""
    await hand.open(WAY_IN)
    await hand.press("Authenticator app")
    hand.do(SCAN + APP)
    hand.type("Security code", pyotp.TOTP(_key(hand)).at(int(world.clock.at)))
    await hand.press("Confirm")


async def set_up_texts(hand: Hand, world: World) -> None:
    """Choose text messages, type the number, try the code."""
    await hand.open(WAY_IN)
    await hand.press("Text message")
    hand.type("Mobile number", NUMBER)
    await hand.press("Text me a code")
    hand.do(GLANCE)
    hand.type("Security code", world.sms.codes[-1])
    await hand.press("Confirm")


async def set_up_mail(hand: Hand, world: World) -> None:
    """Choose the address on file, try the code."""
    await hand.open(WAY_IN)
    await hand.press("Email")
    hand.do(GLANCE)
    hand.type("Security code", world.email.codes[-1])
    await hand.press("Confirm")


async def set_up_passkey(hand: Hand, world: World) -> None:
    """Choose the passkey, make it."""
    await hand.open(WAY_IN)
    await hand.press("Passkey or security key")
    hand.do(TOUCH)
    await hand.press("Make a passkey")


async def set_up_approval(hand: Hand, world: World) -> None:
    """Choose the approval, scan, type the number on the phone and say yes there."""
    await hand.open(WAY_IN)
    await hand.press("Approve on your phone")
    hand.do(SCAN)
    hand.phone = Phone(world)
    await hand.phone.join(re.findall(r'href="([^"]+#e=[^"]+)"', hand.page)[0])
    await _approve(hand)


async def keep_codes(hand: Hand) -> None:
    """Say that the backup codes are safe, and go on."""
    hand.tick(SAFE)
    await hand.press("Continue")


async def to_the_app(hand: Hand, world: World) -> None:
    """Press what still lies between the end of a story and the app."""
    if 'name="code"' in hand.page:
        hand.type("Security code", world.sms.codes[-1])
        await hand.press("Confirm")
    if "<html" in hand.page:
        await hand.press("Continue to")


# -- to confirm --------------------------------------------------------------------------------------------------------


def later(set_up: Story, story: Story) -> Story:
    """Return a story that begins a day after ``set_up``, in another browser."""

    async def told(hand: Hand, world: World) -> None:
        before = Hand(hand.browser, device=hand.device)
        await set_up(before, world)
        codes = re.findall(r"<li><code>([^<]+)</code>", before.page)
        world.clock.advance(86_400)
        hand.browser, hand.phone = await world.browser(sid="another"), before.phone
        hand.browser.secret, hand.browser.backup = before.browser.secret, codes
        await story(hand, world)

    return told


async def confirm_text(hand: Hand, world: World) -> None:
    """Type the code that came by itself."""
    await hand.open(WAY_IN)
    hand.do(GLANCE)
    hand.type("Security code", world.sms.codes[-1])
    await hand.press("Confirm")


async def confirm_app(hand: Hand, world: World) -> None:
    """Type the code of the app."""
    await hand.open(WAY_IN)
    hand.do(APP)
    hand.type("Security code", hand.browser.totp())
    await hand.press("Confirm")


async def confirm_backup(hand: Hand, world: World) -> None:
    """Type a backup code where the app's code is asked."""
    await hand.open(WAY_IN)
    hand.do(PRINTOUT)
    hand.type("Security code", hand.browser.backup[0].replace("-", ""))
    await hand.press("Confirm")


async def confirm_passkey(hand: Hand, world: World) -> None:
    """Press the button, touch the key."""
    await hand.open(WAY_IN)
    hand.do(TOUCH)
    await hand.press("Use your face, fingerprint, or screen lock")


async def confirm_approval(hand: Hand, world: World) -> None:
    """Type the number on the phone and say yes there."""
    await hand.open(WAY_IN)
    await _approve(hand)


async def new_code(hand: Hand, world: World) -> None:
    """Ask for another code."""
    await hand.open(WAY_IN)
    world.clock.advance(60)
    hand.pages = 0
    await hand.press("Send a new code")
    assert len(world.sms.codes) == 3


async def _approve(hand: Hand) -> None:
    assert hand.phone is not None
    number = re.findall(r'class="number"[^>]*>(\d+)<', hand.page)[0]
    hand.do(GLANCE)
    hand.fields, hand.keys, hand.presses = hand.fields + 1, hand.keys + len(number), hand.presses + 1
    assert (await hand.phone.approve(number)).status == 200
    await hand.answered()


def _key(hand: Hand) -> str:
    hand.browser.secret = re.findall(r'id="key" dir="ltr">([^<]+)<', hand.page)[0].replace(" ", "")
    return hand.browser.secret
