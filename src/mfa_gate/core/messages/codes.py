"""The text message and the e-mail that carry a code.

Their words are fixed, except for the names that are filled in (S-54).
"""

from __future__ import annotations

import re

from ..text_safety import SMS_LENGTH, gsm7, one_line, unlinked
from .email_text import (
    LINE_LENGTH,
    N_,
    SERVICE_LENGTH,
    EmailText,
    Part,
    Translate,
    asked_lines,
    duration,
    fill,
    letter,
    not_you,
)

MAX_HOST = 100
"""The longest host of a relying party that still fits into a text message beside the code and its words."""

MIN_NAME = 3
_HOST = re.compile(rf"[A-Za-z0-9._:-]{{1,{MAX_HOST}}}")
_LOST = "\0"

_SMS = (
    N_("{code} is your security code for {service}. Valid for {minutes}. Do not share it."),
    N_("{code} is your security code. Valid for {minutes}. Do not share it."),
    N_("{code} is your security code."),
)

_WHAT_FOR = {
    "sign-in": N_("Enter it on the page where you are signing in."),
    "enroll": N_("Enter it on the page where you are setting up security codes by e-mail."),
    "contact": N_("Enter it on the page that asked for it, to show that this address is yours."),
}
_ANYWHERE = N_("Enter it on the page that asked for it.")


def sms_text(*, code: str, service: str, minutes: int, host: str, translate: Translate) -> str:
    """Write the text message: one segment of 160 GSM-7 characters.

    It ends in the origin-bound line ``@host #code`` (U-7, S-53).

    ``host`` is the relying party's, in ASCII. The service's name is shortened, and its characters are replaced, as far
    as needed. A translation that is too long, or that cannot be written in GSM-7, is replaced by a shorter one, then by
    English.

    Raises ``ValueError`` for a host that is longer than ``MAX_HOST`` or not ASCII, or a code too long to fit beside it.
    """
    if not _HOST.fullmatch(host):
        raise ValueError(f"host must be at most {MAX_HOST} letters, digits, dots and hyphens")
    ending = f"\n@{host} #{code}"
    name = gsm7(one_line(service, limit=SMS_LENGTH)).strip() or host
    for words in (translate, _english):
        for msgid in _SMS:
            head = _sms_head(msgid, room=SMS_LENGTH - len(ending), code=code, name=name, minutes=minutes, words=words)
            if head is None:
                break
            if head:
                return head + ending
    raise ValueError("the code is too long for a text message")


def _sms_head(msgid: str, *, room: int, code: str, name: str, minutes: int, words: Translate) -> str | None:
    """Write the words before the last line.

    Returns "" where they do not fit, None where the language has another alphabet.
    """
    spoken = duration(minutes, words)

    def written(service: str) -> str:
        values = {"code": code, "service": service, "minutes": spoken}
        return gsm7(fill(msgid, words, **{k: v for k, v in values.items() if f"{{{k}}}" in msgid}), lost=_LOST)

    bare = written("")
    if _LOST in bare:
        return None
    if len(bare) > room:
        return ""
    if "{service}" not in msgid:
        return bare
    shortened = name[: room - len(bare)].rstrip()
    if len(shortened) < min(MIN_NAME, len(name)):
        return ""
    head = written(shortened)
    return head if len(head) <= room else ""


def email_code(
    *,
    code: str,
    service: str,
    minutes: int,
    translate: Translate,
    where: str = "",
    when_text: str = "",
    owner: str = "",
    purpose: str = "sign-in",
    code_in_subject: bool = True,
) -> EmailText:
    """Write the e-mail that carries a code.

    The code also opens the subject, unless ``code_in_subject`` is False (U-8).

    ``purpose`` is the challenge's. ``where`` and ``when_text`` are the place and the time of the request, ``owner``
    is the person to tell. The mail has no link, because mail scanners follow links.
    """
    name = one_line(service, limit=SERVICE_LENGTH)
    if code_in_subject:
        subject = fill(N_("{code} is your security code for {service}"), translate, code=code, service=name)
    else:
        subject = fill(N_("Your security code for {service}"), translate, service=name)
    asked = asked_lines(
        when_text=one_line(when_text, limit=LINE_LENGTH), where=unlinked(where, limit=LINE_LENGTH), translate=translate
    )
    parts = [
        Part(fill(N_("Your security code for {service} is:"), translate, service=name)),
        Part(code, "code"),
        Part(
            fill(N_("It is valid for {minutes}."), translate, minutes=duration(minutes, translate))
            + " "
            + fill(_WHAT_FOR.get(purpose, _ANYWHERE), translate)
        ),
    ]
    if asked is not None:
        parts.append(Part(fill(N_("This code was asked for:"), translate) + "\n" + asked.text))
    parts.append(
        Part(fill(N_("Do not share this code. Nobody from {service} will ask for it."), translate, service=name))
    )
    parts.append(not_you(owner=owner, translate=translate))
    return letter(subject=subject, parts=parts)


def _english(msgid: str) -> str:
    return msgid
