"""The words of the audit trail, and one line of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .entropy import draw_ref
from .model import SubjectKey

KINDS: dict[str, str] = {
    "challenge.sent": "a code or request went out",
    "challenge.send_failed": "a code could not be delivered",
    "challenge.refused": "a send was refused by a limit, or by the host's before_send",
    "challenge.approved": "a call or a phone said yes; the browser that asked may go on",
    "challenge.denied": "a phone said no: somebody else may be signing in with this person's password",
    "attempt.failed": "a response was wrong; one attempt was charged",
    "attempt.refused": "a response was not compared, or cost nothing: replayed, expired, locked",
    "proof.granted": "a second factor was proven",
    "proof.upstream": "a sign-in at an identity provider that the policy trusts counts as the second factor",
    "account.locked": "the attempts are used up, or an administrator locked the account",
    "account.unlocked": "an administrator gave the attempts back",
    "account.reset": "an administrator removed all factors",
    "factor.enrolled": "an authenticator was confirmed",
    "factor.removed": "an authenticator was removed",
    "factor.changed": "an authenticator was renamed or made the default",
    "backup_codes.made": "a new set of backup codes replaced the old one",
    "enrollment.skipped": "enrollment was put off while it is optional",
    "enrollment.ticket": "an administrator gave leave to enroll",
    "contact.proven": "the contact on file was proven before a first enrollment",
    "browser.forgotten": "a remembered browser was forgotten",
    "browser.new_network": "a remembered browser was proven on a network it had not been seen on",
    "proofs.revoked": "all proofs of the account were ended",
    "session.ended": "a sign-out ended what was proven for that sign-in alone",
    "agreement.accepted": "the agreement was accepted",
    "agreement.declined": "the agreement was declined",
    "recovery.requested": "somebody who lost access asked for help",
    "recovery.refused": "an administrator refused a recovery request",
    "recovery.stopped": "the user stopped a recovery request",
    "account.disputed": "the user said: this was not me",
    "account.lookalike": "a new account's id equals a known one but for case: one person may have two accounts",
    "sends.cap_near": "a tenant's texts and calls have nearly cost what the policy allows in a day",
    "sends.cap_reached": "a tenant's texts and calls have cost what the policy allows in a day; none goes out until the next",
    "sends.unanswered": "few of a tenant's texts and calls of the day were answered",
    "tenant.enabled": "the second factor was turned on for the tenant",
    "tenant.changed": "the tenant's factors were chosen",
    "tenant.message": "a test message or reminder was sent",
    "admin.denied": "an administrator's action was refused",
    "audit.pruned": "lines of the trail that are older than the policy keeps them were removed",
    "audit.unreadable": "a line of the trail is damaged and cannot be read",
    "audit.prune_held": "lines were not removed, because too many would have gone at once: the clock may be wrong",
    "break_glass.asked": "a break-glass grant was asked for",
    "break_glass.granted": "a second administrator confirmed a break-glass grant",
    "break_glass.used": "a browser was let in by a break-glass grant, for the first time",
    "break_glass.ended": "a break-glass grant, or the request for one, came to its end",
    "policy.loaded": "a policy came into force",
    "policy.refused": "a policy was refused; the one before stays in force",
    "decision.report": "report-only: a request would have been interrupted",
    "gate.fault": "a request was refused because something failed",
    "gate.tripwire": "the app saw a user in a request that the gate saw as anonymous",
    "clock.suspect": "the clock of a server may be wrong: many people are off by the same time, or an account is ahead",
    "keys.rotated": "secrets were sealed anew under the newest key",
    "store.imported": "accounts, a tenant's settings or its trail were imported",
    "offline.action": "the operator acted on the store directly",
}

UNREADABLE = "audit.unreadable"
"""The kind of what is shown in the place of a line that cannot be read. Nothing of its own is written as one."""

MOVED = "moved"
"""The detail that a line has which came from another store's trail: when it came (UTC seconds)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the trail. It commits with the change that it tells; it never holds a secret, a code or a full number.

    ``id`` is the reference that people quote. ``account`` is the subject's id, ``actor`` who did it (the same id, an
    administrator's, or ``operator:…``). ``detail`` has further words and numbers, e.g. ``challenge`` or ``status``.
    """

    id: str
    kind: str
    at: int
    tenant: str
    account: str = ""
    actor: str = ""
    app: str = ""
    factor: str = ""
    network: str = ""
    reason: str = ""
    ticket: str = ""
    policy: str = ""
    detail: Mapping[str, str | int] = field(default_factory=dict)


def moved(event: Event, *, at: int) -> Event:
    """The line as it stands in the trail of a store that it was brought to at ``at``: nobody is told of it again there."""
    return replace(event, detail={**event.detail, MOVED: at})


def unmoved(event: Event) -> Event:
    """The line as it was first written."""
    return replace(event, detail={name: part for name, part in event.detail.items() if name != MOVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What a transition may not draw itself: the time, the place, who acts through which app, and a nonce.

    ``now`` is UTC seconds. ``nonce`` is 32 fresh random bytes; ids and references are derived from it, so a transition
    that a lost swap repeats makes the same ones.
    """

    now: int
    nonce: bytes
    app: str = ""
    network: str = ""
    actor: str = ""
    policy: str = ""

    def event(self, kind: str, key: SubjectKey, **more: str | int) -> Event:
        """An event of this moment about ``key``; words that are no field of ``Event`` become its detail."""
        named = {name: str(more.pop(name)) for name in ("factor", "reason", "ticket", "actor") if name in more}
        return Event(
            id=draw_ref(self.nonce, kind),
            kind=kind,
            at=self.now,
            tenant=key.tenant,
            account=key.id,
            actor=named.pop("actor", self.actor or key.id),
            app=self.app,
            network=self.network,
            policy=self.policy,
            detail=more,
            **named,
        )
