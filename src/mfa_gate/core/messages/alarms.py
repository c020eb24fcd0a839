"""The mails to the administrators when something looks like an attack, or costs too much."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import reduce

from ..browser_names import own_browser_name
from ..events import EVENTS, WRONG, Alarm
from ..text_safety import one_line, unlinked
from .causes import SIGNS, words_of
from .letter import LINE_LENGTH, N_, Letter, Part, Translate, fill, letter, named

ALARMS: dict[str, Alarm] = {row.kind: row.alarm for row in EVENTS.values() if row.alarm is not None}
"""The words of each alarm, by the event's kind."""

_ADDRESS = re.compile(r"[A-Za-z0-9_.+-]{1,64}@[A-Za-z0-9.-]{1,190}")
FACTS: dict[str, str] = {
    "account": N_("Account: {value}"),
    "tenant": N_("Organization: {value}"),
    "what": N_("What: {value}"),
    "when": N_("When: {value}"),
    "where": N_("Where: {value}"),
    "agent": N_("Browser: {value}"),
    "causes": N_("Signs: {value}"),
    WRONG: N_("Wrong codes before it: {value}"),
    "line": N_("Line: {value}"),
    "found": N_("Found: {value}"),
    "lines": N_("Lines: {value}"),
    "seconds": N_("Seconds: {value}"),
    "people": N_("People: {value}"),
    "spent": N_("Spent: {value}"),
    "cap": N_("Limit: {value}"),
    "asked": N_("Requested: {value}"),
    "answered": N_("Answered: {value}"),
    "place": N_("Place: {value}"),
    "days": N_("Days: {value}"),
    "name": N_("Policy: {value}"),
    "digest": N_("Digest: {value}"),
    "by": N_("Loaded by: {value}"),
    "looser": N_("Looser changes: {value}"),
    "changes": N_("Changes: {value}"),
    "policies": N_("Policies: {value}"),
    "ref": N_("Reference: {value}"),
}
"""The line of each fact, in the order in which they stand."""

for _row in ALARMS.values():
    if _wordless := set(_row.details) - FACTS.keys():
        raise ValueError(f"the alarm {_row.headline!r} tells {_wordless}, which have no words")


def alarm(kind: str, *, service: str, facts: Mapping[str, str], translate: Translate) -> Letter:
    """Write the alarm of ``kind`` (one of ``ALARMS``), with its facts by name (``FACTS``).

    An empty fact is left out.

    Raises ``ValueError`` for another kind.
    """
    if kind not in ALARMS:
        raise ValueError(f"the administrators get no alarm of {kind!r}")
    words = ALARMS[kind]
    parts = (
        Part(fill(words.happened, translate, service=named(service))),
        *_lines(facts, translate),
        Part(fill(words.advice, translate)),
    )
    return letter(kind, service=service, title=fill(words.headline, translate), parts=parts, translate=translate)


def head_mail(*, service: str, tenant: str, lines: int, head: str, translate: Translate) -> Letter:
    """Write the mail with the signed head of a trail, for the policy's owner."""
    parts = (
        Part(fill(N_("Keep this email: it lets you prove later that nothing before it was changed."), translate)),
        *_lines({"tenant": tenant, "lines": str(lines)}, translate),
        Part(head),
        Part(fill(N_("To compare: mfa-gate audit verify --expect HEAD"), translate)),
    )
    return letter(
        "head",
        service=service,
        title=fill(N_("The signed head of the audit trail"), translate),
        parts=parts,
        translate=translate,
    )


def dispute_alarm(*, service: str, facts: Mapping[str, str], translate: Translate) -> Letter:
    """Write the mail to the administrators about a change that a person disputes."""
    parts = (
        Part(
            fill(
                N_(
                    "This account has to confirm every sign-in again, and its sign-in methods can’t be changed for a day."
                ),
                translate,
            )
        ),
        *_lines(facts, translate),
        Part(fill(N_("Talk to the person. Lock the account if somebody else may know the password."), translate)),
    )
    title = fill(N_("Somebody says: this wasn’t me"), translate)
    return letter("dispute", service=service, title=title, parts=parts, translate=translate)


def _lines(facts: Mapping[str, str], translate: Translate) -> tuple[Part, ...]:
    """Write the facts, a line each, in harmless words."""
    told = [
        fill(words, translate, value=clean)
        for name, words in FACTS.items()
        if (clean := _clean(name, _in_words(name, facts.get(name, ""), translate)))
    ]
    return (Part("\n".join(told), "facts"),) if told else ()


def _in_words(name: str, value: str, translate: Translate) -> str:
    """Return the words of a value that the program wrote, and any other value as it is."""
    if name == "causes" and value and all(sign in SIGNS for sign in value.split()):  # else those of a later version
        return reduce(
            lambda first, other: fill(N_("{first}; {other}"), translate, first=first, other=other),
            (words_of(sign, translate) for sign in value.split()),
        )
    if name == "agent":
        return own_browser_name(value, translate)
    return words_of(value, translate) if name in ("found", "by") else value


def _clean(name: str, value: str) -> str:
    """Make a value harmless.

    An id that is an e-mail address stays whole, so that it can be copied.
    """
    is_whole = name in ("when", "ref", "what") or (name == "account" and bool(_ADDRESS.fullmatch(value)))
    return one_line(value, limit=LINE_LENGTH) if is_whole else unlinked(value, limit=LINE_LENGTH)
