"""The lines that mails share.

They tell the event's time and place, and give advice for an act of somebody else.
"""

from __future__ import annotations

from datetime import datetime, tzinfo

from ..browser_names import own_browser_name
from ..text_safety import one_line
from .letter import LINE_LENGTH, N_, Part, Translate, fill

_MONTHS = (
    N_("January"),
    N_("February"),
    N_("March"),
    N_("April"),
    N_("May"),
    N_("June"),
    N_("July"),
    N_("August"),
    N_("September"),
    N_("October"),
    N_("November"),
    N_("December"),
)


def local_time(at: int, zone: tzinfo, translate: Translate) -> str:
    """Write the date and time of ``at`` (UTC seconds) in the reader's zone, and name the zone.

    A zone without a name in letters is written as its distance from UTC.
    """
    when = datetime.fromtimestamp(at, zone)
    name, distance = when.tzname() or "", when.strftime("%z")
    if not name.isalpha():
        name = f"UTC{distance[:3]}:{distance[3:5]}"
    return fill(
        N_("{month} {day}, {year}, {time} {zone}"),
        translate,
        month=fill(_MONTHS[when.month - 1], translate),
        day=str(when.day),
        year=str(when.year),
        time=when.strftime("%H:%M"),
        zone=name,
    )


def asked_facts(
    *,
    when_text: str,
    where: str,
    agent: str = "",
    label: str = "",
    wrong: int = 0,
    ref: str = "",
    translate: Translate,
) -> Part | None:
    """Write the facts of an event, a line each.

    These are the name of the factor, the time, the place, the browser and the reference. ``wrong`` counts the wrong
    codes that came before. Returns None if nothing is known. The values are harmless already.
    """
    lines = (
        (N_("Name: “{value}”"), label),
        (N_("When: {value}"), when_text),
        (N_("Where: {value}"), where),
        (N_("Browser: {value}"), own_browser_name(agent, translate) if agent else ""),
        (N_("Wrong codes before it: {value}"), str(wrong) if wrong > 0 else ""),
        (N_("Reference: {value}"), ref),
    )
    told = [fill(line, translate, value=value) for line, value in lines if value]
    return Part("\n".join(told), "facts") if told else None


def near(where: str, place: str, translate: Translate) -> str:
    """Write an address and its place, or the address alone where none is known."""
    return fill(N_("{where}, near {place}"), translate, where=where, place=place) if where and place else where


def helper_of(owner: str, translate: Translate) -> str:
    """Name the person to ask: the policy's owner, or the administrator."""
    return one_line(owner, limit=LINE_LENGTH) or fill(N_("your administrator"), translate)


def not_you(*, owner: str, translate: Translate) -> Part:
    """Write the advice for a person who did not do this."""
    return Part(
        fill(
            N_("If this wasn’t you, change your password and tell {helper} right away."),
            translate,
            helper=helper_of(owner, translate),
        )
    )
