"""Checks of the ways past the second factor.

These are modes, stages, dates, exemptions, trusted sign-ins and outages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TypeVar

from ....core.rules import DAY, Exemption, SubjectExemption
from .clause import Judged, Remark

YEAR = 365 * DAY
READING = frozenset({"GET", "HEAD", "OPTIONS"})


def in_force(judged: Judged) -> Iterator[Remark]:
    """Find a second factor that is not required, not required yet, or not enforced."""
    rules, enrollment = judged.rules, judged.rules.enrollment
    dated = enrollment.optional_from is not None or enrollment.required_from is not None
    if rules.mode == "report-only":
        yield "mode", "nobody is interrupted"
    if not dated and enrollment.stage in ("off", "optional"):
        yield "enrollment.stage", f'"{enrollment.stage}": a second factor is not required'
    if not dated and enrollment.stage == "admin":
        yield "enrollment.stage", '"admin": a second factor is required only once an administrator has turned it on'
    if dated and enrollment.required_from is None:
        yield "enrollment.required_from", "a second factor is never required"
    if enrollment.required_from is not None and enrollment.required_from > judged.now:
        yield "enrollment.required_from", f"a second factor is not required before {_day(enrollment.required_from)}"


def watched_rules(judged: Judged) -> Iterator[Remark]:
    """Find step-up rules that are only recorded."""
    for rule in judged.rules.step_up:
        if rule.report_only:
            yield f"step_up.{rule.name}.report_only", "the rule is only recorded, and stops nobody"


def exempt_people(judged: Judged) -> Iterator[Remark]:
    """Find people who need no second factor."""
    for rule in _live(judged, judged.rules.exempt_subjects):
        groups = ", ".join(rule.groups_any)
        yield (
            f"exempt_subjects.{rule.name}",
            f"people in {groups} need no second factor, {_until(rule)} ({rule.reason})",
        )


def exempt_paths(judged: Judged) -> Iterator[Remark]:
    """Find paths that need no second factor.

    A single path that can only be read is no departure: probes and sign-in pages are such paths.
    """
    for rule in _live(judged, judged.rules.exempt):
        trees = [path.text for path in rule.paths if path.text.endswith("/**")]
        if trees or set(rule.methods) - READING:
            paths = ", ".join(path.text for path in rule.paths)
            yield f"exempt.{rule.name}", f"{paths} need no second factor, {_until(rule)} ({rule.reason})"


def lasting_exemptions(judged: Judged) -> Iterator[Remark]:
    """Find exemptions of people that have no end, or one more than a year away."""
    for rule in _live(judged, judged.rules.exempt_subjects):
        if rule.expires_at is None or rule.expires_at > judged.now + YEAR:
            yield f"exempt_subjects.{rule.name}.expires", f"the exception is not for a limited time: {_until(rule)}"


def trusted_sign_ins(judged: Judged) -> Iterator[Remark]:
    """Find sign-ins elsewhere that count as a second factor."""
    freshness = judged.rules.freshness
    for key, words in (("trust_amr", freshness.trust_amr), ("trust_acr", freshness.trust_acr)):
        if words:
            text = f"a sign-in elsewhere counts ({', '.join(words)}): the other side must keep this clause as well"
            yield f"freshness.{key}", text


def outage_grace(judged: Judged) -> Iterator[Remark]:
    """Find requests that pass while nothing can be checked."""
    if judged.rules.freshness.outage_grace:
        yield "freshness.outage_grace", "while the store is gone, requests pass that were revoked"


def remembered_browsers(judged: Judged) -> Iterator[Remark]:
    """Find proofs that outlive the sign-in in which they were made."""
    if judged.rules.freshness.remember == "browser":
        text = '"browser": a later sign-in needs the password alone; "session" asks at each sign-in'
        yield "freshness.remember", text


Ends = TypeVar("Ends", Exemption, SubjectExemption)


EVERYBODY = (in_force, watched_rules, exempt_people, exempt_paths, trusted_sign_ins)
"""The checks that everybody proves a second factor, now and everywhere."""


def _live(judged: Judged, rules: Iterable[Ends]) -> Iterator[Ends]:
    for rule in rules:
        if rule.expires_at is None or judged.now < rule.expires_at:
            yield rule


def _until(rule: Exemption | SubjectExemption) -> str:
    return "for good" if rule.expires_at is None else f"until {_day(rule.expires_at)}"


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()
