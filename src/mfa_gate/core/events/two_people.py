"""The events of an act that one administrator asks for and a second one confirms."""

from __future__ import annotations

from .kind import IF_KNOWN, Alarm, EventKind, Notice, Words

ROWS = (
    EventKind(
        kind="act.asked",
        trail="an act on a person who holds rights was asked for; it waits for a second administrator",
        seen_by="person",
        own=Words("An administrator asked to remove sign-in methods"),
        notice=Notice(
            headline="An administrator asks to remove your sign-in methods",
            sentence="An administrator asked to remove sign-in methods of your {service} account. "
            "A second one has to confirm it within an hour.",
            closing=IF_KNOWN,
            everywhere=True,
        ),
        alarm=Alarm(
            headline="An administrator is about to be reset",
            happened="An administrator asks to reset or erase somebody who administers {service}, or to remove one of their "
            "sign-in methods.",
            advice="Nothing is done until a second administrator confirms. If you don’t know about it, find out who requested it.",
            from_trail=True,
        ),
    ),
    EventKind(
        kind="act.confirmed",
        trail="a second administrator confirmed an act on a person who holds rights",
        seen_by="desk",
        desk=Words("A second administrator confirmed what another one had asked for"),
    ),
    EventKind(
        kind="act.withdrawn",
        trail="an act that waited for a second administrator was taken back, or ended with the person's own word",
        seen_by="desk",
        desk=Words("What waited for a second administrator was taken back"),
    ),
)
