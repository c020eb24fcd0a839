"""The events of browsers, agreements, calls for help and disputes."""

from __future__ import annotations

from .kind import NOTHING_TO_DO, WRONG, Alarm, Counter, EventKind, Notice, Words

ROWS = (
    EventKind(
        kind="browser.forgotten",
        trail="a remembered browser was forgotten",
        seen_by="person",
        own=Words("A browser was removed"),
        grave=True,
    ),
    EventKind(
        kind="browser.new",
        trail="a second factor was proven in a browser that the person has not used before",
        seen_by="person",
        own=Words("A new browser was confirmed"),
        notice=Notice(
            headline="A new browser was confirmed",
            sentence="Your sign-in to {service} was confirmed in a browser you haven’t used there before.",
            closing=NOTHING_TO_DO,
            texts=False,
        ),
    ),
    EventKind(
        kind="browser.takeover",
        trail=(
            "a new browser was confirmed, and something speaks for a takeover: wrong answers, a new network or a "
            "reset before it"
        ),
        seen_by="desk",
        desk=Words("A new browser was confirmed under suspicious circumstances"),
        alarm=Alarm(
            headline="An account may have been taken over",
            happened=(
                "A new browser was confirmed for a {service} account after wrong answers, a new network or a reset."
            ),
            advice=(
                "Ask the person if it was them. If not, lock the account and search the audit trail for the address."
            ),
            details=("causes", WRONG),
        ),
    ),
    EventKind(
        kind="browser.new_network",
        trail="a remembered browser was proven on a network it had not been seen on",
        seen_by="person",
        own=Words("A browser was used from a new network"),
        notice=Notice(
            headline="Sign-in from a new network",
            sentence="One of your browsers confirmed your sign-in to {service} from a network that is new to it.",
            closing=NOTHING_TO_DO,
        ),
    ),
    EventKind(
        kind="browser.moving",
        trail="one browser was proven on four networks within an hour",
        seen_by="desk",
        desk=Words("A browser changed its network again and again"),
        alarm=Alarm(
            headline="A browser keeps changing its network",
            happened="A browser of a {service} account confirmed on four different networks within an hour.",
            advice=(
                "Mobile networks and relays do this: name their networks in the policy. Otherwise somebody may use a stolen "
                "cookie, so ask the person."
            ),
        ),
    ),
    EventKind(
        kind="proofs.revoked",
        trail="all proofs of the account were ended",
        seen_by="person",
        own=Words("All browsers have to confirm again"),
        notice=Notice(
            headline="You were signed out everywhere",
            sentence="You’ll have to confirm your sign-in to {service} again in every browser.",
            closing="If you expected this, confirm again in each browser.",
            disputable=False,  # a dispute itself leads to it
        ),
        grave=True,
    ),
    EventKind(
        kind="session.ended",
        trail="a sign-out ended what was proven for that sign-in alone",
        seen_by="person",
        own=Words("Signed out"),
    ),
    EventKind(
        kind="agreement.accepted",
        trail="the agreement was accepted",
        seen_by="person",
        own=Words("You accepted the agreement"),
        desk=Words("The agreement was accepted"),
    ),
    EventKind(
        kind="agreement.declined",
        trail="the agreement was declined",
        seen_by="person",
        own=Words("You declined the agreement"),
        desk=Words("The agreement was declined"),
    ),
    EventKind(
        kind="recovery.requested",
        trail="somebody who lost access asked for help",
        seen_by="person",
        own=Words("Help was requested after losing access"),
        notice=Notice(
            headline="Somebody asked for help with your account",
            sentence=(
                "Somebody who lost access asked for help with your {service} account. An administrator will decide."
            ),
            closing="If it was you, wait for the answer.",
            everywhere=True,
        ),
    ),
    EventKind(
        kind="recovery.waiting",
        trail="a request for help opens a first enrollment after the wait, unless a proof or a contact stops it",
        seen_by="person",
        own=Words("New sign-in methods can be set up after a wait"),
        notice=Notice(
            headline="Somebody asked to set up your sign-in again",
            sentence="Somebody with your password says that they lost every sign-in method of your {service} account. "
            "If nobody stops it, they can remove your sign-in methods and set up new ones from {until}.",
            closing="If this was you, come back after that time. If you find a method again, sign in with it: that stops this.",
            everywhere=True,
            stops=True,
        ),
    ),
    EventKind(
        kind="recovery.reminded",
        trail="every contact was told again of a recovery that waits",
        seen_by="person",
        own=Words("A reminder of a request for help was sent"),
        notice=Notice(
            headline="Your sign-in will be set up again",
            sentence="A request still waits to set up your {service} account again. "
            "If nobody stops it, your sign-in methods can be removed and new ones set up from {until}.",
            closing="If this was you, come back after that time. If you find a method again, sign in with it: that stops this.",
            everywhere=True,
            stops=True,
        ),
    ),
    EventKind(
        kind="recovery.restarted",
        trail="the wait of a recovery began again, because the contacts on file had changed",
        seen_by="person",
        own=Words("The wait began again, because your contacts changed"),
        desk=Words("The wait began again, because the contacts changed"),
        notice=Notice(
            headline="The wait to set up your sign-in began again",
            sentence="Your email address or phone number at {service} changed while a request to set up your sign-in again "
            "was waiting. So the wait began again: it ends at {until}.",
            closing="If this was you, come back after that time. If you find a method again, sign in with it: that stops this.",
            everywhere=True,
            stops=True,
        ),
    ),
    EventKind(
        kind="recovery.open",
        trail="the wait of a recovery is over: a first enrollment can be begun for a week",
        seen_by="person",
        own=Words("The wait is over: new sign-in methods can be set up"),
        notice=Notice(
            headline="Your sign-in can be set up again now",
            sentence="Nobody stopped the request. For seven days, whoever has your password can replace the sign-in "
            "methods of your {service} account.",
            closing="If this was you, sign in and set up your new method.",
            everywhere=True,
            stops=True,
        ),
    ),
    EventKind(
        kind="recovery.used",
        trail="a person removed all factors after the wait of a recovery, to set up anew",
        seen_by="person",
        own=Words("Your sign-in methods were removed after a wait that nobody stopped"),
        notice=Notice(
            headline="Your sign-in methods were removed",
            sentence="Every sign-in method of your {service} account was removed, after a wait that nobody stopped. "
            "New ones can be set up now.",
            closing="If this was you, set up a new method now.",
            everywhere=True,
        ),
        alarm=Alarm(
            headline="A person set up again without an administrator",
            happened="Every sign-in method of an account of {service} was removed, after a wait that nobody stopped.",
            advice="Ask the person if this was them. If not, lock the account.",
        ),
        counter=Counter("mfa_gate.recoveries", "Accounts that were set up anew after a wait"),
        grave=True,
    ),
    EventKind(
        kind="recovery.lapsed",
        trail="nobody used a recovery in the week after its wait",
        seen_by="person",
        own=Words("A request for help ended, because nobody used it"),
    ),
    EventKind(
        kind="recovery.refused",
        trail="an administrator refused a recovery request",
        seen_by="person",
        own=Words("A request for help was refused"),
        notice=Notice(
            headline="The request for help was refused",
            sentence="An administrator refused the request for help with your {service} account. Nothing changed.",
            closing="If you still can’t sign in, ask {helper}. Give them the reference in this message.",
            everywhere=True,
        ),
    ),
    EventKind(
        kind="recovery.stopped",
        trail="the user stopped a recovery request",
        seen_by="person",
        own=Words("A request for help was withdrawn"),
        grave=True,
    ),
    EventKind(
        kind="account.disputed",
        trail="the user said: this was not me",
        seen_by="person",
        own=Words("You told us that something wasn’t you"),
        desk=Words("The person said: this wasn’t me"),
        counter=Counter("mfa_gate.disputes", "Changes that people said were not theirs"),
        grave=True,
    ),
    EventKind(
        kind="account.dispute_undone",
        trail="the user took back: this was not me",
        seen_by="person",
        own=Words("You took back that something wasn’t you"),
        desk=Words("The person took back: this wasn’t me"),
        notice=Notice(
            headline="Your sign-in methods can be changed again",
            sentence="Somebody signed in to your {service} account and took back the report that something wasn’t you.",
            closing=NOTHING_TO_DO,
            everywhere=True,
        ),
        grave=True,
    ),
    EventKind(
        kind="account.lookalike",
        trail="a new account's id equals a known one but for case: one person may have two accounts",
        seen_by="desk",
        desk=Words("This account’s name differs from another one only in capital letters"),
    ),
)
