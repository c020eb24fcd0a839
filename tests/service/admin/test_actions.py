"""Every act at the desk with its terms: a change of one is a change of who may do what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes.base import HOUR
from mfa_gate.core.events import Moment
from mfa_gate.core.model import (
    Account,
    Asked,
    Attempts,
    Browser,
    Caller,
    Grant,
    Lock,
    Recovery,
    Seconds,
    Subject,
    SubjectKey,
)
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.roles import RIGHTS, Hand
from mfa_gate.factors import BUILT_IN
from mfa_gate.service import Actor
from mfa_gate.service.admin.act_order import foremost, offered
from mfa_gate.service.admin.actions import ACTIONS, Given
from mfa_gate.service.admin.documents import account_document
from tests.harness import RULES, START
from tests.service.admin.people import way

ANN = SubjectKey("alpha", "ann")

FLAGS = ("unknown", "gives_ticket", "needs_two", "erases", "drops_forms", "by_person")
TERMS: dict[str, tuple[str, str, set[str], tuple[str, ...], tuple[str, ...]]] = {
    "unlock": ("unlock", "POST /unlock", set(), ("reason",), ()),
    "lock": ("unlock", "POST /lock", set(), ("reason",), ()),
    "reset": ("reset", "POST /reset", {"needs_two"}, ("ticket", "reason"), ()),
    "ticket": ("reset", "POST /ticket", {"unknown", "gives_ticket"}, ("reason", "mail"), ()),
    "break-glass": ("reset", "POST /break-glass", {"by_person"}, ("ticket", "hours", "reason"), ("ref",)),
    "confirm": ("reset", "POST /break-glass/confirm", {"by_person"}, ("ref",), ("ends_at",)),
    "revoke": ("reset", "POST /break-glass/revoke", set(), ("reason",), ()),
    "refuse": ("reset", "POST /refuse", set(), ("reason",), ()),
    "approve": ("reset", "POST /approve", {"by_person"}, ("ref",), ()),
    "withdraw": ("reset", "POST /withdraw", set(), ("reason",), ()),
    "end-sessions": ("unlock", "POST /end-sessions", {"drops_forms"}, ("reason",), ()),
    "forget-browser": ("unlock", "DELETE /browsers/", set(), ("browser", "reason"), ()),
    "remove": ("reset", "DELETE /authenticators/", {"needs_two"}, ("authenticator", "reason"), ()),
    "forget": ("reset", "POST /forget", {"unknown", "needs_two", "erases"}, ("reason",), ()),
}
"""The right, the call, the flags that are set, the fields, and the further members of the answer."""


@pytest.mark.parametrize("name", TERMS)
def test_the_terms_of_an_act(name: str) -> None:
    """Each is as it was agreed.

    A destructive one needs two people if the person holds rights.
    """
    action = ACTIONS[name]
    flags = {flag for flag in FLAGS if getattr(action, flag)}
    assert (action.right, f"{action.method} {action.place}", flags, action.fields, action.tells) == TERMS[name]
    assert action.optional == (("reason",) if name == "forget-browser" else ("hours", "mail"))
    assert action.a_day == (1000 if name == "end-sessions" else 0)


def test_every_act_is_listed() -> None:
    """A new one has terms as well."""
    assert list(ACTIONS) == list(TERMS)


def grant(by: str, *, ends_at: int = 0) -> Grant:
    """Make a break-glass grant that somebody asked for."""
    return Grant(
        ref="G",
        asked_by=by,
        asked_in="alpha",
        asked_at=START,
        reason="r",
        ticket="T",
        life=3600,
        epoch=0,
        ends_at=ends_at,
    )


def asked(by: str, act: str = "reset", item: str = "") -> Asked:
    """Make an act that somebody asked for."""
    return Asked(act=act, ref="A", asked_by=by, asked_in="alpha", asked_at=START, reason="r", ticket="T", item=item)


LOCK = Lock(at=START, cause="attempts", ref="R")
HELP = Recovery(ref="R", at=START, about="lake", network="")
BROWSERS = (Browser(id="b", handle="h", label="Firefox", created_at=1),)
USUAL = ("reset", "lock", "break-glass", "forget", "remove")
OFFERED: dict[str, tuple[dict[str, Any], int, str, tuple[str, ...]]] = {
    "as usual": ({}, 0, "", USUAL),
    "with a browser": (
        {"browsers": BROWSERS},
        0,
        "",
        ("reset", "end-sessions", "lock", "break-glass", "forget", "forget-browser", "remove"),
    ),
    "nothing set up": ({"authenticators": ()}, 0, "ticket", ("ticket", "lock", "break-glass", "forget")),
    "after a wrong code": ({"attempts": Attempts(used=1)}, 0, "", ("unlock", *USUAL)),
    "locked": ({"lock": LOCK}, 0, "unlock", ("unlock", "reset", "forget", "remove")),
    "asks for help": (
        {"recovery": HELP},
        0,
        "reset",
        ("reset", "refuse", "lock", "break-glass", "forget", "remove"),
    ),
    "asks for help, held": (
        {"recovery": HELP},
        2 * HOUR,
        "refuse",
        ("refuse", "lock", "break-glass", "forget", "remove"),
    ),
    "an act of one's own waits": ({"asked": asked("boss")}, 0, "withdraw", ("withdraw", "lock", "break-glass")),
    "an act waits": ({"asked": asked("mary")}, 0, "approve", ("approve", "withdraw", "lock", "break-glass")),
    "a grant of one's own waits": (
        {"grant": grant("boss")},
        0,
        "revoke",
        ("revoke", "reset", "lock", "forget", "remove"),
    ),
    "a grant waits": (
        {"grant": grant("mary")},
        0,
        "confirm",
        ("confirm", "revoke", "reset", "lock", "forget", "remove"),
    ),
    "a grant is in force": (
        {"grant": grant("mary", ends_at=START + HOUR)},
        0,
        "revoke",
        ("revoke", "reset", "lock", "forget", "remove"),
    ),
    "locked, and a grant waits": (
        {"lock": LOCK, "grant": grant("mary")},
        0,
        "unlock",
        ("unlock", "reset", "forget", "remove"),
    ),
}
"""The state of an account, the seconds that help is held, the act that matters, and all that are offered."""


@pytest.mark.parametrize("name", OFFERED)
def test_the_acts_that_are_offered(name: str) -> None:
    """The likely ones come first, and none that makes no sense in the state."""
    facts, hold, first, names = OFFERED[name]
    account = Account(key=ANN, version=1, **{"authenticators": (way("totp"),), **facts})
    rules = replace(RULES, recovery=replace(RULES.recovery, hold=Seconds(hold)))
    boss = Actor(name="boss", caller=Caller(subject=Subject("boss", "alpha"), handle="h", network=""))
    found = account_document(account, actor=boss, rules=rules, now=START + 60)
    assert tuple(action.name for action in offered(found, RIGHTS)) == names
    assert foremost(found, RIGHTS) == first
    assert offered(found, ("look",)) == ()


def given(**more: Any) -> Given:
    """Make what an act gets."""
    told = {"reason": "r", "ref": "A", "by": Hand("boss", "alpha"), **more}
    moment = Moment(now=START + 60, nonce=bytes(32))
    return Given(moment=moment, hold=0, life=3600, traits=BUILT_IN.traits, **told)


def test_a_second_administrator_approves_what_can_still_be_done() -> None:
    """An act that is refused now leaves the account as it was, with the act that waits."""
    account = Account(key=ANN, version=1, authenticators=(way("totp"),), asked=asked("mary", "remove", "gone"))
    refused = ACTIONS["approve"].step(account, given())
    assert (refused.account, refused.events) == (account, ())
    assert isinstance(refused.answer, Refusal)
    assert refused.answer.reason == "not_found"
    account = Account(key=ANN, version=1, authenticators=(way("totp"),), asked=asked("mary", "remove", "totp-1"))
    done = ACTIONS["approve"].step(account, given())
    assert (done.answer, done.account.authenticators, done.account.asked) == (None, (), None)
    assert next(event.kind for event in done.events) == "act.confirmed"
    own = ACTIONS["approve"].step(account, given(by=Hand("mary", "alpha")))
    assert (own.account, own.events) == (account, ())
