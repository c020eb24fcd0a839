"""What the administrators are told by e-mail when something looks like an attack, or costs too much."""

from __future__ import annotations

from collections.abc import Mapping

from ..text_safety import one_line, unlinked
from .letters import N_, SUBJECT_LENGTH, EmailText, Part, Translate, fill, letter
from .notices import LINE_LENGTH, SERVICE_LENGTH

_ALARMS: dict[str, tuple[str, str, str]] = {
    "challenge.denied": (
        N_("A sign-in was denied on the phone"),
        N_("Somebody asked for a sign-in to {service}, and the person said no on the phone."),
        N_("Somebody else may know the password. Talk to the person, and have the password changed."),
    ),
    "break_glass.asked": (
        N_("A break-glass grant is asked for"),
        N_("An administrator asks that somebody gets in to {service} without a second step for some hours."),
        N_("Nothing is open until a second administrator confirms. If you know nothing of it, ask who did."),
    ),
    "break_glass.granted": (
        N_("A break-glass grant is open"),
        N_("Two administrators let somebody in to {service} without a second step for some hours."),
        N_("Anybody with the password gets in until it ends. Any administrator can end it on the account's page."),
    ),
    "break_glass.used": (
        N_("A break-glass grant was used"),
        N_("A browser got in to {service} without a second step, by a break-glass grant."),
        N_("If this was not the person concerned, end the grant and lock the account."),
    ),
    "break_glass.ended": (
        N_("A break-glass grant has ended"),
        N_("A break-glass grant for {service}, or the request for one, has come to its end."),
        N_("The person needs a second step again. Reset the account if the old one is lost."),
    ),
    "audit.unreadable": (
        N_("A line of the audit trail is damaged"),
        N_("The audit trail of {service} has a line that cannot be read. All other lines are shown as before."),
        N_("A disk may fail, or somebody may have changed the store. Have the trail verified: mfa-gate audit verify."),
    ),
    "audit.prune_held": (
        N_("Old lines of the audit trail were not removed"),
        N_("Many days of the audit trail of {service} would have gone at once, so nothing was removed."),
        N_(
            "The clock of a server may be wrong. If it is right, an operator removes them with the command mfa-gate audit prune."
        ),
    ),
    "clock.suspect": (
        N_("The clock of a server may be wrong"),
        N_("Codes or accounts of {service} do not fit the clock of a server."),
        N_(
            "Compare the clocks of all servers, and set the wrong one right. An account that was used while a clock ran "
            "ahead is set back when it is reset."
        ),
    ),
    "sends.cap_near": (
        N_("Text messages and calls are near the cap of the day"),
        N_("Text messages and calls of {service} have nearly cost what the policy allows in a day."),
        N_("At the cap none goes out until the next day (UTC); other ways to confirm go on. Look who asks for them."),
    ),
    "sends.cap_reached": (
        N_("Text messages and calls have stopped for today"),
        N_("Text messages and calls of {service} have cost what the policy allows in a day."),
        N_("None goes out until the next day (UTC); other ways to confirm go on. Look who asked for them."),
    ),
    "sends.unanswered": (
        N_("Many codes are asked for and few are used"),
        N_("Few of the text messages and calls of {service} were answered today."),
        N_(
            "Somebody may have them sent to make money of them, or the provider does not deliver. Look who asks for them."
        ),
    ),
}
"""By the event's kind: headline, what happened, what to do."""

ALARM_KINDS = frozenset(_ALARMS)


def alarm(kind: str, *, service: str, facts: Mapping[str, str], translate: Translate) -> EmailText:
    """The alarm of ``kind`` (one of ``ALARM_KINDS``), with its facts by name; an empty one is left out.

    Raises ``ValueError`` for another kind.
    """
    if kind not in _ALARMS:
        raise ValueError(f"administrators are not told of {kind!r}")
    headline, happened, advice = _ALARMS[kind]
    name = one_line(service, limit=SERVICE_LENGTH)
    lines = [f"{fill(word, translate)}: {unlinked(value, limit=LINE_LENGTH)}" for word, value in facts.items() if value]
    parts = [
        Part(fill(happened, translate, service=name)),
        Part("\n".join(lines)),
        Part(fill(advice, translate)),
    ]
    title = fill(headline, translate)
    subject = f"{name}: {title}" if name else title
    return letter(subject=one_line(subject, limit=SUBJECT_LENGTH), parts=[part for part in parts if part.text])
