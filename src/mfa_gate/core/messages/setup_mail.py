"""The mails of a tenant's set-up.

These are the test message, the reminder to set up a second step, and the set-up code.
"""

from __future__ import annotations

from .letter import N_, Letter, Part, Translate, button, fill, letter, named


def trial(*, service: str, translate: Translate) -> Letter:
    """Write the test message to an administrator who prepares to turn the second step on."""
    parts = (
        Part(fill(N_("Codes and notices for your people will arrive this way."), translate)),
        Part(fill(N_("Go back to the page for your organization and press “It arrived”."), translate)),
    )
    return letter(
        "trial", service=service, title=fill(N_("A test message"), translate), parts=parts, translate=translate
    )


def reminder(*, service: str, url: str, translate: Translate) -> Letter:
    """Write the mail to a person who has nothing set up.

    ``url`` is our own page, "" where there is none to name.
    """
    asked = N_("Your administrator asks you to set up two-step sign-in for {service}.")
    how = fill(N_("It takes a minute: sign in as usual and follow the steps."), translate)
    last = button(how, fill(N_("Set it up"), translate), url) if url else Part(how)
    parts = (Part(fill(asked, translate, service=named(service))), last)
    title = fill(N_("Please set up two-step sign-in"), translate)
    return letter("reminder", service=service, title=title, parts=parts, translate=translate)


def set_up_code(*, service: str, code: str, ends: str, url: str, translate: Translate) -> Letter:
    """Write the mail with a set-up code.

    ``ends`` is the end of its life in the reader's words. ``url`` is our own page, "" where there is none to name.
    """
    asked = N_("Your administrator gives you a set-up code for two-step sign-in at {service}:")
    how = fill(N_("Sign in as usual, and enter the code when you are asked for it."), translate)
    parts = (
        Part(fill(asked, translate, service=named(service))),
        Part(code, "code"),
        button(how, fill(N_("Set it up"), translate), url) if url else Part(how),
        Part(fill(N_("It works once, until {when}. Don’t pass it on."), translate, when=ends), "note"),
    )
    return letter(
        "ticket", service=service, title=fill(N_("Your set-up code"), translate), parts=parts, translate=translate
    )
