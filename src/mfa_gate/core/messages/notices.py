"""The messages to a person about changes of the account's second factor (S-87)."""

from __future__ import annotations

from ..events import EVENTS, Notice
from ..text_safety import gsm7, gsm7_name, is_one_segment, one_line, unlinked
from .facts import asked_facts, helper_of, not_you
from .letter import (
    LINE_LENGTH,
    N_,
    SERVICE_LENGTH,
    Letter,
    Part,
    Translate,
    button,
    fill,
    letter,
    named,
)
from .texts import Text, TextForm, own_words

NOTICES: dict[str, Notice] = {row.kind: row.notice for row in EVENTS.values() if row.notice is not None}
"""The words of each notice, by the event's kind."""

_TELL_US, _NOT_ME = N_("You can also tell us here that it wasn’t you:"), N_("This was not me")


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
    ref: str = "",
    wrong: int = 0,
    dispute_url: str = "",
    until: str = "",
) -> Letter:
    """Write the notice of ``kind`` (one of ``NOTICES``), with advice for a stranger's change.

    ``label`` is the user's name for the factor, ``browser`` that of the browser. They and ``where`` stand in the body only,
    without links (S-54). ``owner`` is the person to tell, ``ref`` the event's reference, ``dispute_url`` our own page for
    "this was not me". ``until`` is the time that the event names. ``wrong`` counts the wrong codes that came before a success.

    Raises ``ValueError`` for another kind, or a ``dispute_url`` that is not one http(s) address.
    """
    words = _words_of(kind)
    name = named(service)
    facts = asked_facts(
        when_text=one_line(when_text, limit=LINE_LENGTH),
        where=unlinked(where, limit=LINE_LENGTH),
        agent=unlinked(browser, limit=LINE_LENGTH) if browser else "",
        label=unlinked(label),
        wrong=wrong,
        ref=one_line(ref, limit=LINE_LENGTH),
        translate=translate,
    )
    closing = fill(words.closing, translate, **_used(words.closing, helper=helper_of(owner, translate), service=name))
    more = {"until": one_line(until, limit=LINE_LENGTH)} if "{until}" in words.sentence else {}
    parts = [Part(fill(words.sentence, translate, service=name, **more))]
    if facts is not None:
        parts.append(facts)
    parts += [Part(closing), not_you(owner=owner, translate=translate)]
    if dispute_url:
        parts.append(button(fill(_TELL_US, translate), fill(_NOT_ME, translate), dispute_url))
    return letter(kind, service=service, title=fill(words.headline, translate), parts=tuple(parts), translate=translate)


_SMS_NOTICES = (
    N_("{service}: {headline}. If this was not you, tell your administrator right away."),
    N_("{headline}. If this was not you, tell your administrator right away."),
    N_("{service}: {headline}. Not you? Tell your administrator."),
    N_("{headline}. Not you? Tell your administrator."),
)
"""The forms of a notice by text message, the best first. A language takes the first one that fits one segment."""


_SMS_STOPS = (
    N_("{service}: {headline}. Not you? Stop it: {link}"),
    N_("{headline}. Not you? Stop it: {link}"),
    N_("Not you? Stop it: {link}"),
)
"""The forms of a notice with the link that stops the thing."""


def sms_notice(kind: str, *, service: str, translate: Translate, form: TextForm = own_words, stop_url: str = "") -> str:
    """Write the notice of ``kind`` as one text message of one segment.

    It has no link but ``stop_url``, which stops the thing. ``form`` gives the host's own words, which are taken if they
    fit and hold that link.

    Raises ``ValueError`` for another kind.
    """
    headline = _words_of(kind).headline
    own = _sms_words(headline, service, translate, stop_url)
    other = form(Text(kind=kind, text=own, service=named(service), headline=fill(headline, translate)))
    return other if other and is_one_segment(other) and stop_url in other else own


def _sms_words(headline: str, service: str, translate: Translate, link: str) -> str:
    for words in (translate, str):
        said = fill(headline, words)
        for name in dict.fromkeys((gsm7_name(service, limit=SERVICE_LENGTH), named(service))):
            for msgid in _SMS_STOPS if link else _SMS_NOTICES:
                if "{service}" in msgid and not name:
                    continue
                text = fill(msgid, words, **_used(msgid, service=name, headline=said, link=link))
                plain = gsm7(text, lost="\0")
                for one in (text,) if "\0" in plain else (plain, text):
                    if is_one_segment(one):
                        return one
    return gsm7(f"{headline}. {link}" if link else f"{headline}.")


def _used(msgid: str, **values: str) -> dict[str, str]:
    """Return the values that ``msgid`` holds: ``fill`` wants each of them to be in the text."""
    return {name: value for name, value in values.items() if f"{{{name}}}" in msgid}


def _words_of(kind: str) -> Notice:
    if kind not in NOTICES:
        raise ValueError(f"the person gets no notice of {kind!r}")
    return NOTICES[kind]
