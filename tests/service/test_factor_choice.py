"""A locked account is told with its reference and without attempts.

One that passes is not locked.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate import Subject
from mfa_gate.core.decision import Allow, Why
from mfa_gate.core.model import Account, Authenticator, Caller, Lock, SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.service.factor_choice import behind_lock, first_offer, is_used_up
from tests.harness import HOME, make_world, running

LOCKED = Account(key=SubjectKey("alpha", "ann"), lock=Lock(at=1, cause="attempts", ref="R1"))


async def test_a_lock_without_a_proof() -> None:
    """No attempt is left, and the reference names the event.

    A live proof lets the person go on.
    """
    async with running(make_world()) as world:
        caller = Caller(subject=Subject("ann", "alpha"), handle="h", network=HOME)
        judgement = await world.gate.service.access.own(caller)
        assert behind_lock(LOCKED, judgement) == Refusal(reason="locked", ref="R1", attempts_remaining=0)
        assert behind_lock(replace(LOCKED, lock=None), judgement) is None
        assert behind_lock(LOCKED, replace(judgement, decision=Allow(why=Why(rule="x"), state="verified"))) is None
        assert judgement.looked_at.account == judgement.account
        with pytest.raises(ValueError, match="looked at no account"):
            _ = replace(judgement, evidence=None).looked_at


CODES = Authenticator(id="codes", factor="backup-code", label="", created_at=3, data={"left": ["x"]})
APP = Authenticator(id="app", factor="totp", label="", created_at=1)
TEXT = Authenticator(id="text", factor="sms", label="", created_at=2)


@pytest.mark.parametrize(
    ("mine", "off", "first"),
    [
        ((), (), None),
        ((CODES,), (), "codes"),
        ((replace(CODES, data={"left": []}),), (), None),
        ((CODES, APP), (), "app"),
        ((CODES, APP), ("totp",), "app"),
        ((TEXT, APP), (), "app"),
        ((TEXT, APP), ("totp",), "text"),
        ((TEXT, APP), ("totp", "sms"), "app"),
    ],
)
async def test_the_factor_to_ask_for_first(
    mine: tuple[Authenticator, ...], off: tuple[str, ...], first: str | None
) -> None:
    """The strongest that can be sent now; codes for an emergency come last."""
    async with running(make_world()) as world:
        caller = Caller(subject=Subject("ann", "alpha"), handle="h", network=HOME)
        account = Account(key=caller.subject.key, version=1, authenticators=mine)
        judgement = await world.gate.service.access.own(caller, account=account)
        chosen = first_offer(judgement, off=frozenset(off))
        assert (chosen.id if chosen else None) == first


@pytest.mark.parametrize(
    ("left", "created_at", "restored_at", "used_up"),
    [
        (["x"], 5, 0, False),
        ([], 5, 0, True),
        (["x"], 5, 5, True),
        (["x"], 5, 4, False),
        (["x"], 1, 1, True),
        (["x"], 0, 5, False),
        ([], 5, 5, True),
    ],
)
def test_codes_that_count_no_more(left: list[str], created_at: int, restored_at: int, used_up: bool) -> None:
    """All were used, or an older copy of the store was accepted after they were made."""
    backup = replace(CODES, created_at=created_at, data={"left": left})
    account = Account(key=SubjectKey("alpha", "ann"), authenticators=(backup,), restored_at=restored_at)
    assert is_used_up(account, backup) is used_up
