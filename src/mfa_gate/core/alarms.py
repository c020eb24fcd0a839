"""What the administrators are told by e-mail when something looks like an attack, or costs too much."""

from __future__ import annotations

from collections.abc import Mapping

from .letters import N_, SUBJECT_LENGTH, EmailText, Part, Translate, fill, letter
from .notices import LINE_LENGTH, SERVICE_LENGTH
from .plain import one_line, unlinked

_ALARMS: dict[str, tuple[str, str, str]] = {
    "challenge.denied": (
        N_("A sign-in was denied on the phone"),
        N_("Somebody asked for a sign-in to {service}, and the person said no on the phone."),
        N_("Somebody else may know the password. Talk to the person, and have the password changed."),
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
