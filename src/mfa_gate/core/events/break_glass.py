"""The events of a break-glass grant."""

from __future__ import annotations

from .kind import IF_KNOWN, Alarm, EventKind, Notice, Words

ROWS = (
    EventKind(
        kind="break_glass.asked",
        trail="a break-glass grant was asked for",
        seen_by="person",
        own=Words("A way in without a second step was asked for"),
        notice=Notice(
            headline="A way in without your second step was asked for",
            sentence="An administrator asked for a break-glass grant for your {service} account. "
            "A second one has to confirm it.",
            closing=IF_KNOWN,
            everywhere=True,
        ),
        alarm=Alarm(
            headline="A break-glass grant is asked for",
            happened="An administrator asks that somebody gets in to {service} without a second step for some hours.",
            advice="Nothing is open until a second administrator confirms. If you know nothing of it, ask who did.",
            from_trail=True,
        ),
    ),
    EventKind(
        kind="break_glass.granted",
        trail="a second administrator confirmed a break-glass grant",
        seen_by="person",
        own=Words("A way in without a second step was opened"),
        notice=Notice(
            headline="A way in without your second step was opened",
            sentence="Two administrators opened your {service} account for a few hours. A password is enough until then.",
            closing=IF_KNOWN,
            everywhere=True,
        ),
        alarm=Alarm(
            headline="A break-glass grant is open",
            happened="Two administrators let somebody in to {service} without a second step for some hours.",
            advice="Anybody with the password gets in until it ends. "
            "Any administrator can end it on the account's page.",
            from_trail=True,
        ),
    ),
    EventKind(
        kind="break_glass.used",
        trail="a browser was let in by a break-glass grant, for the first time",
        seen_by="person",
        own=Words("A browser got in without a second step"),
        notice=Notice(
            headline="Your account was entered without your second step",
            sentence="A browser was let in to your {service} account by a break-glass grant.",
            closing=IF_KNOWN,
            everywhere=True,
        ),
        alarm=Alarm(
            headline="A break-glass grant was used",
            happened="A browser got in to {service} without a second step, by a break-glass grant.",
            advice="If this was not the person concerned, end the grant and lock the account.",
            from_trail=True,
        ),
    ),
    EventKind(
        kind="break_glass.ended",
        trail="a break-glass grant, or the request for one, came to its end",
        seen_by="person",
        own=Words("The way in without a second step has ended"),
        notice=Notice(
            headline="The way in without your second step has ended",
            sentence="The break-glass grant for your {service} account, or the request for one, has come to its end.",
            closing="You need your second step again. If you have lost it, ask {helper}.",
            everywhere=True,
        ),
        alarm=Alarm(
            headline="A break-glass grant has ended",
            happened="A break-glass grant for {service}, or the request for one, has come to its end.",
            advice="The person needs a second step again. Reset the account if the old one is lost.",
            from_trail=True,
        ),
        grave=True,
    ),
)
