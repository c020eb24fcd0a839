"""The messages to a person about changes of the account's second factor (S-87)."""

from __future__ import annotations

from ..events import EVENTS, Notice
from ..text_safety import SMS_LENGTH, gsm7, one_line, unlinked
from .email_text import (
    LINE_LENGTH,
    N_,
    SERVICE_LENGTH,
    SUBJECT_LENGTH,
    EmailText,
    Part,
    Translate,
    asked_lines,
    dispute_link,
    fill,
    letter,
    not_you,
)

NOTICES: dict[str, Notice] = {row.kind: row.notice for row in EVENTS.values() if row.notice is not None}
"""The words of each notice, by the event's kind."""


def notice(
    kind: str,
    *,
    service: str,
    when_text: str,
    translate: Translate,
    where: str = "",
    browser: str = "",
    label: str = "",
    owner: str = "",
    dispute_url: str = "",
) -> EmailText:
    """Write the notice of ``kind`` (one of ``NOTICES``), with advice for a stranger's change.

    ``label`` is the user's name for the factor, ``browser`` that of the browser. They and ``where`` stand in the body only,
    without links (S-54).
    ``owner`` is the person to tell, ``dispute_url`` our own page for "this was not me".

    Raises ``ValueError`` for another kind, or a ``dispute_url`` that is not one http(s) address.
    """
    words = _words_of(kind)
    name = one_line(service, limit=SERVICE_LENGTH)
    subject = f"{name}: {fill(words.headline, translate)}" if name else fill(words.headline, translate)
    about = asked_lines(
        when_text=one_line(when_text, limit=LINE_LENGTH),
        where=unlinked(where, limit=LINE_LENGTH),
        browser=unlinked(browser, limit=LINE_LENGTH) if browser else "",
        label=unlinked(label),
        translate=translate,
    )
    parts = [Part(fill(words.sentence, translate, service=name))]
    if about is not None:
        parts.append(about)
    parts.append(Part(fill(N_("If this was you, there is nothing to do."), translate)))
    parts.append(not_you(owner=owner, translate=translate))
    if dispute_url:
        parts.append(Part(fill(N_("You can also tell us here that it was not you:"), translate)))
        parts.append(dispute_link(dispute_url))
    return letter(subject=one_line(subject, limit=SUBJECT_LENGTH), parts=parts)


_SMS_NOTICE = N_("{headline}. If this was not you, tell your administrator at once.")


def sms_notice(kind: str, *, service: str, translate: Translate) -> str:
    """Write the notice of ``kind`` as one text message without a link.

    It is in English where the language has another alphabet.

    Raises ``ValueError`` for another kind.
    """
    headline = _words_of(kind).headline
    name = gsm7(one_line(service, limit=SERVICE_LENGTH)).strip()
    for words in (translate, str):
        text = fill(_SMS_NOTICE, words, headline=fill(headline, words))
        full = f"{name}: {text}" if name else text
        if gsm7(full) == full and len(full) <= SMS_LENGTH:
            return full
    return gsm7(f"{headline}.")[:SMS_LENGTH]


def _words_of(kind: str) -> Notice:
    if kind not in NOTICES:
        raise ValueError(f"the person gets no notice of {kind!r}")
    return NOTICES[kind]
