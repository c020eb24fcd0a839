"""The events of asking for a second factor and answering."""

from __future__ import annotations

from .kind import NOTHING_TO_DO, Alarm, Counter, EventKind, Notice, Words

ROWS = (
    EventKind(
        kind="challenge.sent",
        trail="a code or request went out",
        seen_by="person",
        own=Words("A code was sent", "A code was sent to %(name)s"),
        counter=Counter("mfa_gate.sends", "Codes and requests sent"),
    ),
    EventKind(
        kind="challenge.send_failed",
        trail="a code could not be delivered",
        seen_by="person",
        own=Words("A code could not be delivered"),
    ),
    EventKind(
        kind="challenge.refused",
        trail="a send was refused by a limit, or by the host's before_send",
        seen_by="person",
        own=Words("Codes were requested too often"),
    ),
    EventKind(
        kind="challenge.approved",
        trail="a call or a phone said yes; the browser that asked may go on",
        seen_by="person",
        own=Words("A call or a request was approved"),
    ),
    EventKind(
        kind="challenge.denied",
        trail="a phone said no: somebody else may be signing in with this person's password",
        seen_by="person",
        own=Words("A request was denied"),
        alarm=Alarm(
            headline="A sign-in was denied on the phone",
            happened="Somebody tried to sign in to {service}, and the person denied it on the phone.",
            advice="Somebody else may know the password. Talk to the person, and have the password changed.",
        ),
    ),
    EventKind(
        kind="challenge.cancelled",
        trail="a person cancelled a sign-in of their own on the phone",
        seen_by="person",
        own=Words("You canceled a request on your phone"),
    ),
    EventKind(
        kind="attempt.failed",
        trail="a response was wrong; one attempt was charged",
        seen_by="person",
        own=Words("A wrong code was entered"),
        counter=Counter("mfa_gate.attempts", "Wrong answers"),
    ),
    EventKind(
        kind="attempt.refused",
        trail="a response was not compared, or cost nothing: replayed, expired, locked",
        seen_by="person",
        own=Words("A code was rejected"),
    ),
    EventKind(
        kind="factor.copied",
        trail="a response was refused that only a copy of the authenticator gives: its counter went back, or its kind changed",
        seen_by="desk",
        desk=Words("A sign-in method may have been copied"),
        alarm=Alarm(
            headline="A sign-in method may have been copied",
            happened="{service} refused a sign-in. The answer seems to come from a copy of the person’s sign-in method.",
            advice="Talk to the person. Remove that sign-in method, and have a new one set up.",
        ),
    ),
    EventKind(
        kind="proof.granted",
        trail="a second factor was proven",
        seen_by="person",
        own=Words("You confirmed it’s you", "You confirmed with %(name)s"),
        desk=Words("Two-step sign-in was confirmed", "Confirmed with %(name)s"),
        counter=Counter("mfa_gate.proofs", "Second factors proven"),
    ),
    EventKind(
        kind="backup_code.used",
        trail="a second factor was proven with a backup code",
        seen_by="person",
        only_notice=True,
        own=Words("A backup code was used"),
        notice=Notice(
            headline="A backup code was used",
            sentence="A backup code was used to sign in to your {service} account. It won’t work again.",
            closing=NOTHING_TO_DO,
        ),
    ),
    EventKind(
        kind="proof.upstream",
        trail="a sign-in at an identity provider that the policy trusts counts as the second factor",
        seen_by="person",
        own=Words("Your sign-in service confirmed it’s you"),
        desk=Words("The sign-in service confirmed the person"),
    ),
)
