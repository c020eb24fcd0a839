"""The mails to the administrators when something looks like an attack, or costs too much."""

from __future__ import annotations

from collections.abc import Mapping

from ..events import EVENTS, Alarm
from ..text_safety import one_line, unlinked
from .email_text import LINE_LENGTH, N_, SERVICE_LENGTH, SUBJECT_LENGTH, EmailText, Part, Translate, fill, letter

ALARMS: dict[str, Alarm] = {row.kind: row.alarm for row in EVENTS.values() if row.alarm is not None}
"""The words of each alarm, by the event's kind."""


def alarm(kind: str, *, service: str, facts: Mapping[str, str], translate: Translate) -> EmailText:
    """Write the alarm of ``kind`` (one of ``ALARMS``), with its facts by name.

    An empty fact is left out.

    Raises ``ValueError`` for another kind.
    """
    if kind not in ALARMS:
        raise ValueError(f"the administrators get no alarm of {kind!r}")
    words = ALARMS[kind]
    name = one_line(service, limit=SERVICE_LENGTH)
    lines = [f"{fill(word, translate)}: {unlinked(value, limit=LINE_LENGTH)}" for word, value in facts.items() if value]
    parts = [
        Part(fill(words.happened, translate, service=name)),
        Part("\n".join(lines)),
        Part(fill(words.advice, translate)),
    ]
    title = fill(words.headline, translate)
    subject = f"{name}: {title}" if name else title
    return letter(subject=one_line(subject, limit=SUBJECT_LENGTH), parts=[part for part in parts if part.text])


def head_mail(*, service: str, tenant: str, lines: int, head: str, translate: Translate) -> EmailText:
    """Write the mail with the signed head of a trail, for the policy's owner."""
    name = one_line(service, limit=SERVICE_LENGTH)
    headline = fill(N_("The signed head of the audit trail"), translate)
    facts = {
        N_("Organization: {value}"): unlinked(tenant, limit=LINE_LENGTH),
        N_("Lines: {value}"): str(lines),
    }
    parts = [
        Part(fill(N_("Keep this mail: with it you can prove later that nothing before it was changed."), translate)),
        Part("\n".join(fill(line, translate, value=value) for line, value in facts.items())),
        Part(head),
        Part(fill(N_("To compare: mfa-gate audit verify --expect HEAD"), translate)),
    ]
    subject = f"{name}: {headline}" if name else headline
    return letter(subject=one_line(subject, limit=SUBJECT_LENGTH), parts=parts)


def dispute_alarm(
    *,
    service: str,
    who: str,
    tenant: str,
    what: str,
    when_text: str,
    where: str,
    ref: str,
    translate: Translate,
) -> EmailText:
    """Write the mail to the administrators about a change that a person disputes."""
    name = one_line(service, limit=SERVICE_LENGTH)
    headline = fill(N_("Somebody says: this was not me"), translate)
    facts = {
        N_("Account: {value}"): unlinked(who, limit=LINE_LENGTH),
        N_("Organization: {value}"): unlinked(tenant, limit=LINE_LENGTH),
        N_("What: {value}"): one_line(what, limit=LINE_LENGTH),
        N_("When: {value}"): one_line(when_text, limit=LINE_LENGTH),
        N_("Where: {value}"): unlinked(where, limit=LINE_LENGTH),
        N_("Reference: {value}"): one_line(ref, limit=LINE_LENGTH),
    }
    parts = [
        Part(
            fill(
                N_("Every sign-in of this account is confirmed anew, and its factors stay as they are for a day."),
                translate,
            )
        ),
        Part("\n".join(fill(line, translate, value=value) for line, value in facts.items() if value)),
        Part(fill(N_("Talk to the person. Lock the account if somebody else may know the password."), translate)),
    ]
    subject = f"{name}: {headline}" if name else headline
    return letter(subject=one_line(subject, limit=SUBJECT_LENGTH), parts=parts)
