"""The events of an account, its authenticators and their enrollment."""

from __future__ import annotations

from .kind import NOTHING_TO_DO, Counter, EventKind, Notice, Words

ROWS = (
    EventKind(
        kind="account.locked",
        trail="the attempts are used up, or an administrator locked the account",
        seen_by="person",
        own=Words("The account was locked"),
        notice=Notice(
            headline="Your account is locked",
            sentence=(
                "Your {service} account is locked. Only an administrator can unlock it. No codes are sent until then."
            ),
            closing="To get back in, ask {helper} to unlock it. Give them the reference in this message.",
        ),
        counter=Counter("mfa_gate.locks", "Accounts locked"),
        grave=True,
    ),
    EventKind(
        kind="account.unlocked",
        trail="an administrator gave the attempts back",
        seen_by="person",
        own=Words("An administrator unlocked the account"),
        notice=Notice(
            headline="Your account is unlocked",
            sentence="An administrator unlocked your {service} account. You can sign in again.",
            closing="Sign in as usual.",
        ),
    ),
    EventKind(
        kind="account.reset",
        trail="an administrator removed all factors",
        seen_by="person",
        own=Words("An administrator reset the account"),
        notice=Notice(
            headline="Your sign-in methods were removed",
            sentence="An administrator removed all sign-in methods from your {service} account. Set up a new one soon.",
            closing="If you asked for this, set up a new method the next time you sign in.",
            everywhere=True,
        ),
        grave=True,
    ),
    EventKind(
        kind="account.forgotten",
        trail="the application had everything about a person erased; the line names a pseudonym",
        seen_by="desk",
        desk=Words("Everything about this person was erased"),
        grave=True,
    ),
    EventKind(
        kind="account.impersonated",
        trail="an actor whose second factor was judged acts as this person; at most once in twelve hours",
        seen_by="desk",
        desk=Words("Somebody else acted as this person"),
    ),
    EventKind(
        kind="factor.enrolled",
        trail="an authenticator was confirmed",
        seen_by="person",
        own=Words("A sign-in method was added", "%(name)s was added"),
        notice=Notice(
            headline="A sign-in method was added",
            sentence="A new sign-in method was added to your {service} account.",
            closing=NOTHING_TO_DO,
        ),
        counter=Counter("mfa_gate.enrollments", "Authenticators confirmed"),
        grave=True,
    ),
    EventKind(
        kind="factor.replaced",
        trail="an authenticator took the place of one whose contact was no longer on file",
        seen_by="person",
        own=Words("A sign-in method has a new contact", "%(name)s has a new contact"),
        notice=Notice(
            headline="Your codes go to a new contact",
            sentence="Codes for your {service} account no longer go to the earlier contact, but to the one on your record.",
            closing=NOTHING_TO_DO,
            everywhere=True,
        ),
        grave=True,
    ),
    EventKind(
        kind="factor.removed",
        trail="an authenticator was removed",
        seen_by="person",
        own=Words("A sign-in method was removed", "%(name)s was removed"),
        notice=Notice(
            headline="A sign-in method was removed",
            sentence="A sign-in method was removed from your {service} account.",
            closing=NOTHING_TO_DO,
        ),
        grave=True,
    ),
    EventKind(
        kind="factor.changed",
        trail="an authenticator was renamed or made the default",
        seen_by="person",
        own=Words("A sign-in method was changed", "%(name)s was changed"),
        notice=Notice(
            headline="A sign-in method was changed",
            sentence="A sign-in method for your {service} account was renamed or made the default.",
            closing=NOTHING_TO_DO,
        ),
    ),
    EventKind(
        kind="backup_codes.made",
        trail="a new set of backup codes replaced the old one",
        seen_by="person",
        own=Words("New backup codes were created"),
        notice=Notice(
            headline="New backup codes were created",
            sentence="New backup codes were created for your {service} account. The old ones no longer work.",
            closing=NOTHING_TO_DO,
        ),
        grave=True,
    ),
    EventKind(
        kind="enrollment.skipped",
        trail="enrollment was put off while it is optional",
        seen_by="person",
        own=Words("You skipped the set-up"),
        desk=Words("The set-up was skipped"),
    ),
    EventKind(
        kind="enrollment.offered",
        trail="a stronger factor was offered after a proof by a weaker one",
        seen_by="desk",
        desk=Words("A safer sign-in method was offered"),
        counter=Counter("mfa_gate.offers", "Stronger factors offered after a proof"),
    ),
    EventKind(
        kind="enrollment.ticket",
        trail="an administrator gave leave to enroll",
        seen_by="person",
        own=Words("An administrator gave you a set-up code"),
        desk=Words("A set-up code was given"),
        notice=Notice(
            headline="You may set up a sign-in method",
            sentence="An administrator gave you permission to set up two-step sign-in for your {service} account.",
            closing="If you asked for this, sign in soon and set it up. Don’t share the set-up code.",
        ),
    ),
    EventKind(
        kind="contact.proven",
        trail="the contact on file was proven before a first enrollment",
        seen_by="person",
        own=Words("You confirmed your contact on file"),
        desk=Words("The contact on file was confirmed"),
    ),
)
