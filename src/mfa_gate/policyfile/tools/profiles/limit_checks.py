"""Checks of numbers and lists: factors, ages, attempts, retention, holds, rights."""

from __future__ import annotations

from collections.abc import Iterator

from ....core.durations import format_duration
from ....core.rules import Rules
from ....factors import Registry
from ....factors.base import CodeShape
from .clause import Check, Judged, Remark

TEN_MINUTES = 600


def sent_codes(rules: Rules, factors: Registry) -> Iterator[tuple[str, CodeShape]]:
    """List the allowed factors that send a code to be typed, with their rules."""
    for kind in rules.factors.allowed:
        shape = factors[kind].code(rules) if kind in factors else None
        if shape is not None and shape.ttl:
            yield ".".join(("factors", kind, *shape.option)), shape


def long_codes(judged: Judged) -> Iterator[Remark]:
    """Find sent codes that live longer than ten minutes."""
    for path, code in sent_codes(judged.rules, judged.factors):
        if code.ttl > TEN_MINUTES:
            yield f"{path}.ttl", f'"{format_duration(code.ttl)}" is longer than ten minutes'


def _contacts(judged: Judged) -> list[tuple[str, str]]:
    traits = judged.factors.traits
    known = [traits[kind] for kind in judged.rules.factors.allowed if kind in traits and not traits[kind].backup]
    return [(one.kind, one.contact) for one in known]


def email(judged: Judged) -> Iterator[Remark]:
    """Find factors that prove a mailbox."""
    for kind, contact in _contacts(judged):
        if contact == "email":
            yield "factors.allowed", f'"{kind}" proves no device; it is not accepted out of band'


def phones(judged: Judged) -> Iterator[Remark]:
    """Find factors that go over the telephone."""
    for kind, contact in _contacts(judged):
        if contact == "phone":
            text = f'"{kind}" is restricted: tell its risk, offer another besides it, keep a plan to leave it'
            yield "factors.allowed", text


def phones_alone(judged: Judged) -> Iterator[Remark]:
    """Find a telephone without a stronger factor besides it."""
    contacts = [contact for _, contact in _contacts(judged)]
    if "phone" in contacts and all(contacts):
        yield "factors.allowed", "the telephone is offered without a stronger factor besides it"


def no_phishing_resistance(judged: Judged) -> Iterator[Remark]:
    """Find a choice of factors that another site can relay, all of them."""
    traits = judged.factors.traits
    if not any(traits[kind].phishing_resistant for kind in judged.rules.factors.allowed if kind in traits):
        yield "factors.allowed", "no phishing-resistant factor is offered"


def max_age_over(most: int, reason: str) -> Check:
    """Make a check that proofs count no longer than ``most`` seconds."""

    def check(judged: Judged) -> Iterator[Remark]:
        max_age = judged.rules.freshness.max_age
        if max_age > most:
            yield "freshness.max_age", f'"{format_duration(max_age)}" is longer than {reason}'

    return check


def attempts_over(most: int) -> Check:
    """Make a check that at most ``most`` wrong answers in a row are taken."""

    def check(judged: Judged) -> Iterator[Remark]:
        if judged.rules.attempts.max > most:
            yield "attempts.max", f"{judged.rules.attempts.max} wrong answers are taken before the lock; at most {most}"

    return check


def retention_under(least: int, told: str) -> Check:
    """Make a check that the trail is kept for ``least`` seconds or longer."""

    def check(judged: Judged) -> Iterator[Remark]:
        retention = judged.rules.audit.retention
        if retention is not None and retention < least:
            yield "audit.retention", f'"{format_duration(retention)}" is shorter than {told}'

    return check


def open_enrollment(judged: Judged) -> Iterator[Remark]:
    """Find a first enrollment that the password alone opens."""
    if judged.rules.enrollment.first == "open":
        yield "enrollment.first", "binding a first factor asks for nothing besides the password"


def hasty_recovery(judged: Judged) -> Iterator[Remark]:
    """Find requests for help that can be granted before the person can stop them."""
    recovery = judged.rules.recovery
    if "request" in recovery.ways and not recovery.hold:
        text = '"0s": a request for help can be granted at once, before the person hears of it; write down how you check it'
        yield "recovery.hold", text
    if recovery.self_service:
        text = f'"{format_duration(recovery.self_service)}": after it a person sets up anew, and nobody has checked who it is'
        yield "recovery.self_service", text


def no_unlocker(judged: Judged) -> Iterator[Remark]:
    """Find a tenant in which no group may let a locked person in."""
    if not judged.rules.roles.unlock:
        yield "roles.unlock", "no group may unlock an account, or give a break-glass grant"
