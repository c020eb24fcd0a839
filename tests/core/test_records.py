"""The records of the core: empty at first, frozen, and without secrets in their text."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

import pytest

import mfa_gate.core
from mfa_gate.core.rules import CodeRules, CountRules, ResendRules

RECORDS: dict[str, Any] = {
    f"{name}.{record.__name__}": record
    for name in (one.name for one in pkgutil.walk_packages(mfa_gate.core.__path__, "mfa_gate.core."))
    for record in vars(importlib.import_module(name)).values()
    if isinstance(record, type) and is_dataclass(record) and record.__module__ == name
}

FILLED = {
    "assurance.Traits": {"typed": True},
    "decision.Allow": {"until": 1 << 60},
    "events.kind.Notice": {"texts": True, "disputable": True},
    "messages.letter.Part": {"kind": "text"},
    "model.authenticator.Challenge": {"status": "pending"},
    "model.proofs.Browser": {"kind": "browser"},
    "model.subject.Caller": {"kind": "browser", "lang": "en"},
    "model.subject.Subject": {"tenant": "default"},
    "person_line.PersonLine": {"is_met": True},
    "policy.Facts": {"clean": True},
    "policy.Requirement": {"stage": "required"},
    "report.Place": {"clean": True},
}
"""The defaults that say something; those of the rules are in ``test_rules``."""

HIDDEN = {
    "messages.calls.VoiceScript": ["confirmed"],
    "messages.letter.EmailText": ["subject", "text", "html"],
    "messages.letter.Letter": ["subject", "parts"],
    "messages.texts.Text": ["text", "code"],
    "model.account.Account": ["stamp"],
    "model.leave.Recovery": ["told"],
    "model.subject.Subject": ["key"],
    "push_subscription.Subscription": ["p256dh", "auth"],
    "rules.policy.Policy": ["lines", "text"],
    "rules.policy.TenantSettings": ["stamp"],
}
"""The parts that no log shows: secrets, codes, and what is long."""

APART = {
    "model.account.Account": ["stamp"],
    "model.subject.Subject": ["key"],
    "rules.policy.Policy": ["lines", "text"],
    "rules.policy.PolicyTest": ["line"],
    "rules.policy.TenantSettings": ["stamp"],
}
"""The parts that do not count when two records are compared."""


def default_of(part: Field[Any]) -> Any:
    """Return the default of a field, None for none."""
    if part.default_factory is not MISSING:
        return part.default_factory()
    return None if part.default is MISSING else part.default


def short(name: str) -> str:
    return name.removeprefix("mfa_gate.core.")


@pytest.mark.parametrize(
    "name", [name for name in RECORDS if ".rules." not in name and ".options." not in name], ids=short
)
def test_a_fresh_record_is_empty(name: str) -> None:
    """A part that nobody has named is 0, False, "" or empty, but for those of the table."""
    given = {part.name: default_of(part) for part in fields(RECORDS[name])}
    filled = {part: value for part, value in given.items() if value and not is_dataclass(value)}
    assert filled == FILLED.get(short(name), {})


def test_what_is_hidden_and_what_is_not_compared() -> None:
    """No secret is in the text of a record, and the store's own parts make no difference."""
    hidden = {short(name): [part.name for part in fields(record) if not part.repr] for name, record in RECORDS.items()}
    assert {name: parts for name, parts in hidden.items() if parts} == HIDDEN
    apart = {
        short(name): [part.name for part in fields(record) if not part.compare] for name, record in RECORDS.items()
    }
    assert {name: parts for name, parts in apart.items() if parts} == APART


def test_records_are_frozen() -> None:
    """A step returns a new record: nobody changes one that somebody else has read."""
    thawed = {short(name) for name, record in RECORDS.items() if not record.__dataclass_params__.frozen}
    assert thawed == {"report.Row", "report.Part", "trail_erasure.ErasureCheck"}


def test_the_rules_of_codes() -> None:
    """The defaults of a code that is sent, and of the sends themselves."""
    code, count, resend = CodeRules(), CountRules(), ResendRules()
    assert (code.digits, code.ttl, code.live) == (6, 600, 5)
    assert (count.count, count.window) == (3, 900)
    assert (resend.wait, resend.per_hour, resend.per_day) == (30, 5, 10)
