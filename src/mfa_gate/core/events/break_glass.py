"""The events of a break-glass grant."""

from __future__ import annotations

from .kind import IF_KNOWN, Alarm, EventKind, Notice, Words

ROWS = (
    EventKind(
        kind="break_glass.asked",
        trail="a break-glass grant was asked for",
        seen_by="person",
        own=Words("Emergency access was requested"),
        notice=Notice(
            headline="Emergency access to your account was requested",
            sentence=(
                "An administrator requested emergency access to your {service} account. A second administrator has "
                "to confirm it."
            ),
            closing=IF_KNOWN,
            everywhere=True,
        ),
        alarm=Alarm(
            headline="Emergency access was requested",
            happened="An administrator wants somebody to get in to {service} without two-step sign-in for a few hours.",
            advice=(
                "Nothing opens until a second administrator confirms. If you don’t know about it, find out who "
                "requested it."
            ),
            from_trail=True,
        ),
    ),
    EventKind(
        kind="break_glass.granted",
        trail="a second administrator confirmed a break-glass grant",
        seen_by="person",
        own=Words("Emergency access was opened"),
        notice=Notice(
            headline="Emergency access to your account was opened",
            sentence=(
                "Two administrators opened emergency access to your {service} account for a few hours. Until it "
                "ends, the password is enough."
            ),
            closing=IF_KNOWN,
            everywhere=True,
        ),
        alarm=Alarm(
            headline="Emergency access is open",
            happened="Two administrators let somebody in to {service} without two-step sign-in for a few hours.",
            advice=(
                "Until it ends, anybody with the password gets in. Any administrator can end it on the account’s page."
            ),
            from_trail=True,
        ),
    ),
    EventKind(
        kind="break_glass.used",
        trail="a browser was let in by a break-glass grant, for the first time",
        seen_by="person",
        own=Words("A browser got in with emergency access"),
        notice=Notice(
            headline="Emergency access to your account was used",
            sentence="A browser got in to your {service} account with emergency access.",
            closing=IF_KNOWN,
            everywhere=True,
        ),
        alarm=Alarm(
            headline="Emergency access was used",
            happened="A browser got in to {service} with emergency access, without two-step sign-in.",
            advice="If it wasn’t the person concerned, end emergency access and lock the account.",
            from_trail=True,
        ),
    ),
    EventKind(
        kind="break_glass.ended",
        trail="a break-glass grant, or the request for one, came to its end",
        seen_by="person",
        own=Words("Emergency access has ended"),
        notice=Notice(
            headline="Emergency access to your account has ended",
            sentence="Emergency access to your {service} account, or the request for it, has ended.",
            closing="You need two-step sign-in again. If you’ve lost your sign-in method, ask {helper}.",
            everywhere=True,
        ),
        alarm=Alarm(
            headline="Emergency access has ended",
            happened="Emergency access to {service}, or the request for it, has ended.",
            advice="The person needs two-step sign-in again. If they’ve lost their sign-in method, reset the account.",
            from_trail=True,
        ),
        grave=True,
    ),
)
