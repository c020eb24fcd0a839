"""The end of all proofs of a tenant reaches each account when it is next looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.changes.tenant_end import ended, joined_end, with_tenant
from mfa_gate.core.model import Enrollment, Leave, Recovery, Ticket
from mfa_gate.core.rules import TenantSettings

from ..builders import HANDLE, NOW, account, challenge, proof

NONE = TenantSettings(tenant="clinic", enabled_at=7)
ENDED = replace(NONE, epoch=3, ended_at=NOW - 9)
SLOW = Recovery(ref="R", at=NOW - 9, about="lost", network="", opens_at=NOW + 9, told="sealed", reminded=1)
DRAFT = Enrollment(id="d1", factor="app", label="", browser=HANDLE, started_at=NOW, expires_at=NOW + 60)


@pytest.mark.parametrize(
    ("before", "at"), [(0, NOW), (NOW - 9, NOW), (NOW + 9, NOW + 9), (NOW + 60, NOW + 60), (NOW + 61, NOW)]
)
def test_the_time_of_an_end(before: int, at: int) -> None:
    """It never goes back by a clock that is a little behind.

    A time of a clock that was far ahead is forgotten.
    """
    made = ended(replace(NONE, epoch=4, ended_at=before), NOW)
    assert (made.epoch, made.ended_at, made.enabled_at) == (5, at, 7)


def test_what_ends_with_it() -> None:
    """S-26: proofs and all that is under way end; factors and tickets stay."""
    ticket = Ticket(digest="d", expires_at=NOW + 9, actor="", ref="")
    of = account(
        "app",
        proofs=(proof(),),
        version=2,
        challenges=(challenge(),),
        enrollments=(DRAFT,),
        replaced=(DRAFT,),
        skips=(("s:x", NOW),),
        leave=Leave(kind="contact", browser=HANDLE, at=NOW),
        recovery=SLOW,
        ticket=ticket,
    )
    made = with_tenant(of, ENDED, NOW)
    assert (made.tenant_epoch, made.epoch, made.logins_from) == (3, 1, NOW - 9)
    assert (made.challenges, made.enrollments, made.replaced, made.skips, made.leave) == ((), (), (), (), None)
    assert made.recovery == replace(SLOW, opens_at=0, told="", reminded=0)
    assert (made.authenticators, made.ticket) == (of.authenticators, ticket)
    assert with_tenant(made, ENDED, NOW) is made


def test_a_new_person_has_nothing_to_end() -> None:
    """An account that was never written begins with the tenant's number."""
    assert with_tenant(account(), ENDED, NOW) == account(tenant_epoch=3)


@pytest.mark.parametrize(("at", "logins_from"), [(NOW + 60, NOW + 60), (NOW + 61, 0)])
def test_a_clock_that_ran_ahead_locks_nobody_out(at: int, logins_from: int) -> None:
    """Sign-ins elsewhere count again from the real time on."""
    made = with_tenant(account("app", version=2), replace(ENDED, ended_at=at), NOW)
    assert (made.epoch, made.logins_from) == (1, logins_from)


@pytest.mark.parametrize(
    ("one", "other", "joined"),
    [
        ((3, 50), (3, 50), (3, 50)),
        ((3, 50), (3, 60), (4, 60)),
        ((3, 50), (4, 60), (4, 60)),
        ((3, 50), (4, 50), (4, 50)),
        ((3, 60), (4, 50), (5, 60)),
        ((0, 0), (2, 50), (2, 50)),
    ],
)
def test_settings_of_two_stores(one: tuple[int, int], other: tuple[int, int], joined: tuple[int, int]) -> None:
    """Two ends of one number may be different ends: then a new number ends both."""
    first, second = (replace(NONE, epoch=epoch, ended_at=at) for epoch, at in (one, other))
    assert joined_end(first, second) == joined_end(second, first) == joined
