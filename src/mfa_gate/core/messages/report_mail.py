"""The mail with the numbers of a tenant, for the owner of the policy."""

from __future__ import annotations

from collections.abc import Mapping

from ..text_safety import one_line
from .letter import LINE_LENGTH, N_, Letter, Part, Translate, fill, letter

NUMBERS: Mapping[str, str] = {
    "known": N_("Known people: {value}"),
    "set_up": N_("Set up two-step sign-in: {value}"),
    "missing": N_("Not set up: {value}"),
    "exempt": N_("Exempt by the policy: {value}"),
    "phishing_resistant": N_("With a passkey or security key: {value}"),
    "texts_only": N_("With text messages or calls only: {value}"),
    "locked": N_("Locked: {value}"),
    "recovery": N_("Waiting for help: {value}"),
    "stale": N_("Not confirmed for 90 days: {value}"),
    "ending": N_("Exemptions that end within 30 days: {value}"),
}
"""The line of each number, in their order."""


def report_mail(*, service: str, tenant: str, numbers: Mapping[str, int], url: str, translate: Translate) -> Letter:
    """Write the mail. ``url`` is the address of the reports, "" where it is not known."""
    lines = [fill(words, translate, value=str(numbers[name])) for name, words in NUMBERS.items() if name in numbers]
    parts = [
        Part(fill(N_("Two-step sign-in in {tenant}:"), translate, tenant=one_line(tenant, limit=LINE_LENGTH))),
        Part("\n".join(lines), "facts"),
    ]
    if url:
        text = fill(N_("The reports name the people."), translate)
        parts.append(Part(text, "button", label=fill(N_("Open the reports"), translate), url=url))
    title = fill(N_("How two-step sign-in stands"), translate)
    return letter("report", service=service, title=title, parts=tuple(parts), translate=translate)
