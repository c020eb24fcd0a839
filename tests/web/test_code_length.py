"""The length of a code comes from its own factor.

It does so on the page, and in the judgement of its shape.
"""

from __future__ import annotations

import re
from dataclasses import replace

import pyotp
import pytest

from mfa_gate.core.model import Contacts
from mfa_gate.core.rules import CodeRules
from mfa_gate.factors import BUILT_IN
from mfa_gate.factors.email import EmailRules
from mfa_gate.factors.optional_parts import Introduces
from mfa_gate.factors.phone import PhoneRules
from mfa_gate.factors.totp import TotpRules
from mfa_gate.factors.voice import VoiceRules
from tests.harness import RULES, make_world, running, with_rules

LENGTHS = {"totp": TotpRules(digits=8), "email": EmailRules(code=CodeRules(digits=7))}
POLICY = with_rules(lambda rules: replace(rules, factors=replace(rules.factors, options=LENGTHS)))


@pytest.mark.parametrize(("typed", "said"), [("1234567", "too short"), ("123456789", "too long")])
async def test_eight_digits_are_said_and_judged(typed: str, said: str) -> None:
    """``[factors.totp] digits = 8`` stands on the page, and seven digits are too short for it."""
    async with running(make_world(policy=POLICY)) as world:
        ann = await world.browser()
        await ann.form("/mfa/enroll/totp", {"action": "start"})
        page = (await ann.page("/mfa/enroll/totp")).text
        assert "Time-based, 8 digits" in page
        draft = re.search(r'name="enrollment" value="([^"]+)"', page)
        assert draft is not None
        fields = {"enrollment": draft[1], "action": "confirm"}
        reply = await ann.form("/mfa/enroll/totp", {**fields, "code": typed})
        assert (reply.status, said in reply.text) == (422, True), reply.text


async def test_each_factor_has_its_own_length() -> None:
    """Seven digits are a code of e-mail here, and none of an app.

    The same text is judged twice.
    """
    async with running(make_world(policy=POLICY)) as world:
        ann = await world.browser()
        begun = (await ann.api("POST", "enroll", {"factor": "totp"})).json()
        code = pyotp.TOTP(begun["secret"], digits=8).at(int(world.clock.now()))
        assert (
            await ann.api("POST", "enroll/confirm", {"enrollment": begun["enrollment"], "response": code})
        ).status == 201
        await ann.enroll_email()
        later = await world.browser(sid="later")
        app, mail = await later.authenticator("totp"), await later.authenticator("email")
        await later.api("POST", "challenge", {"authenticator": mail})
        short = await later.form(f"/mfa/challenge/{app}", {"code": "1234567"})
        assert (short.status, "too short" in short.text) == (422, True), short.text
        wrong = await later.form(f"/mfa/challenge/{mail}", {"code": "1234567"})
        assert (wrong.status, "too short" in wrong.text, "too long" in wrong.text) == (422, False, False), wrong.text


def test_voice_follows_its_own_rules() -> None:
    """The table of text messages says nothing about calls.

    Calls have their own code and their own origin of the number.
    """
    options = {
        "sms": PhoneRules(code=CodeRules(digits=6)),
        "voice": VoiceRules(confirm="code", code=CodeRules(digits=8), phone="on-file"),
    }
    rules = replace(RULES, factors=replace(RULES.factors, allowed=("sms", "voice"), options=options))
    lengths = {kind: shape.length for kind in options if (shape := BUILT_IN[kind].code(rules))}
    assert lengths == {"sms": 6, "voice": 8}
    contacts = Contacts(phone="+12025550123")
    shown = {}
    for kind in options:
        factor = BUILT_IN[kind]
        assert isinstance(factor, Introduces)
        shown[kind] = factor.introduction(rules, contacts).destination
    assert shown == {"sms": "", "voice": "+12025550123"}
