"""The text message and the e-mail that carry a code.

Their words are fixed, except for the names that are filled in (S-54).
"""

from __future__ import annotations

import re

from ..text_safety import SMS_LENGTH, SMS_UNITS, gsm7, gsm7_name, is_one_segment, one_line, units, unlinked
from .facts import asked_facts, not_you
from .letter import LINE_LENGTH, N_, Letter, Part, Translate, duration, fill, named, sentences
from .texts import Text, TextForm, own_words

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
    "sign-in": N_("Enter it on the page where you’re signing in."),
    "enroll": N_("Enter it on the page where you’re setting up security codes by email."),
    "contact": N_("Enter it on the page that asked for it, to show that this address is yours."),
}
_ANYWHERE = N_("Enter it on the page that asked for it.")


def sms_text(
    *, code: str, service: str, minutes: int, host: str, translate: Translate, form: TextForm = own_words
) -> str:
    """Write the text message: one segment of 160 GSM-7 characters, or 70 of another alphabet.

    It ends in the origin-bound line ``@host #code`` (U-7, S-53).

    ``host`` is the relying party's, in ASCII. The service's name is shortened, and its characters are replaced, as far
    as needed. A translation that is too long is replaced by a shorter one, then by English. ``form`` gives the host's
    own words, which are taken if they hold the code and fit.

    Raises ``ValueError`` for a host that is longer than ``MAX_HOST`` or not ASCII, or a code too long to fit beside it.
    """
    if not _HOST.fullmatch(host):
        raise ValueError(f"host must be at most {MAX_HOST} letters, digits, dots and hyphens")
    ending = f"\n@{host} #{code}"
    own = _sms_words(code=code, service=service, minutes=minutes, host=host, ending=ending, translate=translate)
    other = form(Text(kind="code", text=own, service=named(service), code=code, minutes=max(1, minutes)))
    return (other if code in other and is_one_segment(other + ending) else own) + ending


def _sms_words(*, code: str, service: str, minutes: int, host: str, ending: str, translate: Translate) -> str:
    """Write the words before the last line, in the first form that fits."""
    plain = one_line(service, limit=SMS_LENGTH) or host
    alphabets = (
        (_septets, SMS_LENGTH, gsm7_name(service, limit=SMS_LENGTH) or host),
        (str, SMS_UNITS, plain),
    )
    for words in (translate, str):
        spoken = duration(minutes, words)
        for msgid in _SMS:
            for alphabet, limit, name in alphabets:
                values = {"code": code, "service": name, "minutes": spoken}
                head = _sms_head(msgid, values, room=limit - units(ending), words=words, alphabet=alphabet)
                if head:
                    return head
    raise ValueError("the code is too long for a text message")


def _sms_head(msgid: str, values: dict[str, str], *, room: int, words: Translate, alphabet: Translate) -> str:
    """Fill one form of the message, with a shorter name if needed.

    Returns "" where it does not fit, or has letters that the alphabet does not have.
    """
    used = {name: value for name, value in values.items() if f"{{{name}}}" in msgid}
    name = used.get("service", "")
    bare = alphabet(fill(msgid, words, **{**used, **({"service": ""} if name else {})}))
    left = room - units(bare)
    if not bare or left < 0 or _LOST in bare:
        return ""
    if not name:
        return bare
    short = name[:left].rstrip()
    if len(short) < min(MIN_NAME, len(name)):
        return ""
    head = alphabet(fill(msgid, words, **{**used, "service": short}))
    return head if units(head) <= room and _LOST not in head else ""


def _septets(text: str) -> str:
    return gsm7(text, lost=_LOST)


def email_code(
    *,
    code: str,
    service: str,
    minutes: int,
    translate: Translate,
    where: str = "",
    when_text: str = "",
    agent: str = "",
    owner: str = "",
    purpose: str = "sign-in",
    code_in_subject: bool = True,
) -> Letter:
    """Write the e-mail that carries a code.

    The code also opens the subject, unless ``code_in_subject`` is False (U-8).

    ``purpose`` is the challenge's. ``where``, ``when_text`` and ``agent`` are the place, the time and the browser of the
    request, ``owner`` is the person to tell. The mail has no link, because mail scanners follow links.
    """
    name = named(service)
    if code_in_subject:
        subject = fill(N_("{code} is your security code for {service}"), translate, code=code, service=name)
    else:
        subject = fill(N_("Your security code for {service}"), translate, service=name)
    facts = asked_facts(
        when_text=one_line(when_text, limit=LINE_LENGTH),
        where=unlinked(where, limit=LINE_LENGTH),
        agent=unlinked(agent, limit=LINE_LENGTH),
        translate=translate,
    )
    valid = fill(N_("It expires in {minutes}."), translate, minutes=duration(minutes, translate))
    asked = () if facts is None else (Part(fill(N_("This code was asked for:"), translate)), facts)
    parts = (
        Part(fill(N_("Your security code for {service} is:"), translate, service=name), "heading"),
        Part(code, "code"),
        Part(sentences(valid, fill(_WHAT_FOR.get(purpose, _ANYWHERE), translate), translate)),
        *asked,
        Part(fill(N_("Don’t share this code. Nobody from {service} will ask for it."), translate, service=name)),
        not_you(owner=owner, translate=translate),
    )
    return Letter(kind="code", subject=subject, parts=parts, service=name)
