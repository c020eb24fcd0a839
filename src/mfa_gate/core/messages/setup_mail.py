"""The mails of a tenant's set-up.

These are the test message, and the reminder to set up a second step.
"""

from __future__ import annotations

from ..text_safety import one_line
from .email_text import N_, SERVICE_LENGTH, SUBJECT_LENGTH, EmailText, Part, Translate, dispute_link, fill, letter


def trial(*, service: str, translate: Translate) -> EmailText:
    """Write the test message to an administrator who prepares to turn the second step on."""
    name = one_line(service, limit=SERVICE_LENGTH)
    headline = fill(N_("A test message"), translate)
    parts = [
        Part(fill(N_("Codes and notices for your people will come this way."), translate)),
        Part(fill(N_("Go back to the page for your organization and press “It arrived”."), translate)),
    ]
    subject = f"{name}: {headline}" if name else headline
    return letter(subject=one_line(subject, limit=SUBJECT_LENGTH), parts=parts)


def reminder(*, service: str, url: str, translate: Translate) -> EmailText:
    """Write the mail to a person who has nothing set up.

    ``url`` is our own page, "" where there is none to name.
    """
    name = one_line(service, limit=SERVICE_LENGTH)
    headline = fill(N_("Please set up your second step"), translate)
    parts = [
        Part(
            fill(
                N_("Your administrator asks you to set up a second step for signing in to {service}."),
                translate,
                service=name,
            )
        ),
        Part(fill(N_("It takes a minute: sign in as you always do, and follow the page."), translate)),
    ]
    if url:
        parts.append(dispute_link(url))
    subject = f"{name}: {headline}" if name else headline
    return letter(subject=one_line(subject, limit=SUBJECT_LENGTH), parts=parts)
