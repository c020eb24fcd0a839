"""The shape of one row: its readers, the people who are told of it, and the words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

TOLD_BY = "told_by"
"""The detail of an event that gets no notice of its own: the kind of the event whose notice tells of both."""

WRONG = "wrong_before"
"""The detail of a success: the number of wrong answers since the success before."""

NOTHING_TO_DO = "If this was you, you don’t need to do anything."
IF_KNOWN = "If you expected this, you don’t need to do anything."


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a page.

    ``named`` is used where a name is known, and holds ``%(name)s``; both are translated.
    """

    plain: str
    named: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The message to the person. ``sentence`` holds ``{service}``.

    ``closing`` says what to do if it was the person's own act; it may hold ``{helper}``, the person to ask.
    ``everywhere``: also goes to the phone number on the host's record (S-87). ``disputable``: the mail has the button
    "this was not me". ``texts``: it also goes to numbers that are enrolled for texts. ``stops``: the link stops the thing
    itself, so a text message has it as well. ``sentence`` may hold ``{until}``, the time that the event names.
    """

    headline: str
    sentence: str
    closing: str
    everywhere: bool = False
    disputable: bool = True
    texts: bool = True
    stops: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """The mail to the administrators.

    ``headline``, then ``happened`` (holds ``{service}``), then ``advice``: what to do.

    ``details``: the parts of the event's detail that stand in the mail. ``from_trail``: the alarm is also read from the
    trail, because the event may be written where no sender is, or by nobody.
    """

    headline: str
    happened: str
    advice: str
    details: tuple[str, ...] = ()
    from_trail: bool = False


@dataclass(frozen=True, slots=True)
class Counter:
    """The counter of an event: its name and its description, as OpenTelemetry shows them."""

    name: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventKind:
    """One kind of event.

    ``trail`` is its English sentence in the trail and in the README.

    ``seen_by`` decides the pages: ``person`` (the own page and the desk), ``desk`` (only the account's page at the
    desk), ``trail`` (only the trail: the event names no account). ``own`` speaks to the person, ``desk`` about the
    person; a ``desk`` that is left out says what ``own`` says. ``grave``: the event takes something from a person, or
    gives a second factor, so a store must not lose it. ``only_notice``: never written; the notice of a special case.
    """

    kind: str
    trail: str
    seen_by: Literal["person", "desk", "trail"]
    own: Words | None = None
    desk: Words | None = None
    notice: Notice | None = None
    alarm: Alarm | None = None
    counter: Counter | None = None
    grave: bool = False
    only_notice: bool = False

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for a row without the words that its readers need."""
        if not self.trail:
            raise ValueError(f"the event {self.kind!r} has no words for the trail")
        if (self.seen_by == "person") != (self.own is not None):
            raise ValueError(f"the event {self.kind!r} needs words of its own if, and only if, the person sees it")
        if (self.seen_by == "desk" and self.desk is None) or (self.seen_by == "trail" and self.desk is not None):
            raise ValueError(f"the event {self.kind!r} needs words for the desk if, and only if, the desk sees it")
        if self.notice is not None and not all((self.notice.headline, self.notice.sentence, self.notice.closing)):
            raise ValueError(f"the notice of the event {self.kind!r} lacks its headline, sentence or closing")
        if self.notice is not None and self.own is None:
            raise ValueError(f"the person is told of the event {self.kind!r}, and does not see it on the own page")
        said = [words for words in (self.own, self.desk) if words is not None]
        if not all(words.plain and (not words.named or "%(name)s" in words.named) for words in said):
            raise ValueError(f"the event {self.kind!r} has empty words, or a name that they do not say")

    @property
    def about(self) -> Words | None:
        """Return the words for the desk, or None for an event that names no account."""
        return self.desk or self.own


def indexed(*rows: EventKind) -> Mapping[str, EventKind]:
    """Return ``rows`` by their kinds. Raises ``ValueError`` for a kind with two rows."""
    found: dict[str, EventKind] = {}
    for row in rows:
        if found.setdefault(row.kind, row) is not row:
            raise ValueError(f"the event {row.kind!r} has two rows")
    return found
