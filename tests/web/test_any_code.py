"""Any code in the one field.

A backup code, a pasted message; and waiting for another code is no fault.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.rules import Rules
from tests.harness import Browser, World, make_world, running, with_rules


async def asked(world: World) -> tuple[Browser, str]:
    """A person with an app, an address and backup codes, in a browser that owes a proof.

    At the app's field.
    """
    ann = await world.enrolled()
    await ann.enroll_email()
    world.clock.advance(60)
    other = await world.browser(ann.id, ann.tenant, sid="another")
    other.secret, other.backup = ann.secret, ann.backup
    return other, await ann.authenticator("totp")


async def test_a_backup_code_where_the_apps_code_is_asked(world: World) -> None:
    """It works, is spent, and the next page of ours says how many are left."""
    other, app = await asked(world)
    code = other.backup[0]
    done = await other.form(f"/mfa/challenge/{app}", {"asked": "1", "code": f" {code.lower()} "})
    assert (done.status, done.location.split("#")[0]) == (303, "/mfa/challenge")
    assert "9 are left" in (await other.page("/mfa/challenge")).text
    assert await other.is_in()
    again, _ = await world.browser(other.id, other.tenant, sid="third"), None
    spent = await again.form(f"/mfa/challenge/{app}", {"code": code})
    assert spent.status == 422
    assert "used" in spent.text.split("<main")[1]
    assert (await world.account()).attempts.used == 0


@pytest.mark.parametrize("factor", ["totp", "email"])
async def test_a_backup_code_by_json(world: World, factor: str) -> None:
    """It counts whatever authenticator was named, or which challenge (contract 8)."""
    other, _ = await asked(world)
    named: dict[str, Any] = {"authenticator": await other.authenticator(factor)}
    if factor == "email":
        named = {"challenge": (await other.api("POST", "challenge", named)).json()["challenge"]}
    wrong = await other.api("POST", "verify", {**named, "response": "00000-00000"})
    assert (wrong.status, wrong.reason, wrong.json()["attempts_remaining"]) == (422, "wrong_code", 6)
    right = await other.api("POST", "verify", {**named, "response": other.backup[1]})
    assert (right.status, right.json()["state"]) == (200, "verified")


async def test_without_a_set_it_is_malformed(world: World) -> None:
    """A text in the form of a backup code costs nothing where no set counts."""

    def without(rules: Rules) -> Rules:
        return replace(rules, recovery=replace(rules.recovery, ways=("request",)))

    async with running(make_world(policy=with_rules(without))) as other:
        ann = await other.enrolled()
        answer = {"authenticator": await ann.authenticator("totp"), "response": "7KX2M-QP4TA"}
        assert (await ann.api("POST", "verify", answer)).reason == "malformed"
        assert (await other.account()).attempts.used == 0


async def test_the_whole_message_is_pasted(world: World) -> None:
    """The text of our message in the field is the code in it."""
    other, _ = await asked(world)
    mail = f"/mfa/challenge/{await other.authenticator('email')}"
    await other.form(mail, {"action": "send"})
    code = world.email.codes[-1]
    done = await other.form(mail, {"code": f"{code} is your security code. Do not share it.\n@localhost #{code}"})
    assert done.status == 303
    assert await other.is_in()


async def test_a_locked_account_says_so_first(world: World) -> None:
    """A right answer to a challenge that the lock has dropped is refused for the lock.

    Not as unknown.
    """
    other, app = await asked(world)
    named = {"authenticator": await other.authenticator("email")}
    challenge = (await other.api("POST", "challenge", named)).json()["challenge"]
    for _ in range(7):
        await other.api("POST", "verify", {"authenticator": app, "response": other.wrong()})
    late = await other.api("POST", "verify", {"challenge": challenge, "response": world.email.codes[-1]})
    assert (late.status, late.reason) == (403, "locked")


# -- waiting ----------------------------------------------------------------------------------------------------------


async def test_too_soon_is_no_fault(world: World) -> None:
    """Asked again too early.

    A quiet line with the time, the field for the code that is there, and no error.
    """
    other, _ = await asked(world)
    mail = f"/mfa/challenge/{await other.authenticator('email')}"
    await other.form(mail, {"action": "send"})
    early = await other.form(mail, {"action": "send", "asked": "1"})
    assert "You can ask again in 30 seconds." in early.text
    assert 'name="code"' in early.text
    for word in ('id="errors"', "There is a problem", "<title>Error"):
        assert word not in early.text


async def test_a_second_browser_waits_and_is_sent_to(world: World) -> None:
    """No code can go out yet.

    The page counts down, has the button, and a script presses it then.
    """
    other, _ = await asked(world)
    mail = f"/mfa/challenge/{await other.authenticator('email')}"
    await other.form(mail, {"action": "send"})
    second = await world.browser(other.id, other.tenant, sid="third")
    early = await second.form(mail, {"action": "send"})
    assert re.search(r'role="status" data-wait="30"', early.text)
    assert "data-send-later" in early.text
    assert 'id="errors"' not in early.text
    assert "I did not get a code" not in early.text
    world.clock.advance(31)
    assert (await second.form(mail, {"action": "send"})).status == 303


async def test_the_attempts_left_stay_in_view(world: World) -> None:
    """The number is shown whenever it is less than the whole.

    Also after a free error and a reload (U-12).
    """
    other, app = await asked(world)
    place = f"/mfa/challenge/{app}"
    assert "attempts are left" not in (await other.page(place)).text
    await other.form(place, {"code": other.wrong()})
    for reply in (await other.form(place, {"code": "12"}), await other.page(place)):
        assert "6 attempts are left" in reply.text
