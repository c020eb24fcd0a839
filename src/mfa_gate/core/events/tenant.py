"""The events of a tenant: what it spends, its settings, its administrators, its trail."""

from __future__ import annotations

from .kind import Alarm, EventKind, Words

ROWS = (
    EventKind(
        kind="sends.cap_near",
        trail="a tenant's texts and calls have nearly cost what the policy allows in a day",
        seen_by="trail",
        alarm=Alarm(
            headline="Text messages and calls are close to today’s limit",
            happened="{service} has nearly spent what the policy allows in a day for text messages and calls.",
            advice=(
                "At the limit, none are sent until the next day (UTC). Other methods keep working. Check who is "
                "asking for them."
            ),
            details=("spent", "cap"),
        ),
    ),
    EventKind(
        kind="sends.cap_reached",
        trail="a tenant's texts and calls have cost what the policy allows in a day; none goes out until the next",
        seen_by="trail",
        alarm=Alarm(
            headline="Text messages and calls have stopped for today",
            happened="{service} has spent what the policy allows in a day for text messages and calls.",
            advice="None are sent until the next day (UTC). Other methods keep working. Check who asked for them.",
            details=("spent", "cap"),
        ),
    ),
    EventKind(
        kind="sends.unanswered",
        trail="few of a tenant's texts and calls of the day were answered",
        seen_by="trail",
        alarm=Alarm(
            headline="Many codes are requested and few are used",
            happened="Few of today’s text messages and calls from {service} were answered.",
            advice=(
                "Somebody may be requesting them to make money, or the provider isn’t delivering. Check who is "
                "asking for them."
            ),
            details=("asked", "answered"),
        ),
    ),
    EventKind(
        kind="tenant.enabled",
        trail="the second factor was turned on for the tenant; open: what the checklist still had",
        seen_by="trail",
        alarm=Alarm(
            headline="Two-step sign-in was turned on",
            happened="An administrator turned on two-step sign-in for everybody in {service}. It can’t be turned off again.",
            advice="Everybody is asked at the next sign-in. The organization’s page shows who is still missing.",
            from_trail=True,
        ),
    ),
    EventKind(
        kind="tenant.proofs_ended",
        trail="an administrator ended every proof of the tenant's people, and every break-glass grant",
        seen_by="trail",
        alarm=Alarm(
            headline="Everybody has to confirm again",
            happened="An administrator ended every confirmation in {service}. Nobody is locked, and nothing was removed.",
            advice="Everybody is asked again at the next request. If you don’t know about it, find out who did it.",
            from_trail=True,
        ),
    ),
    EventKind(
        kind="tenant.changed",
        trail="the tenant's factors were chosen",
        seen_by="trail",
    ),
    EventKind(
        kind="tenant.message",
        trail="a test message or reminder was sent",
        seen_by="trail",
    ),
    EventKind(
        kind="admin.denied",
        trail="an administrator's action was refused",
        seen_by="desk",
        desk=Words("An administrator’s action was refused"),
    ),
    EventKind(
        kind="audit.pruned",
        trail="lines of the trail that are older than the policy keeps them were removed",
        seen_by="trail",
    ),
    EventKind(
        kind="audit.hold",
        trail="a legal matter holds the trail: retention removes nothing until it is released",
        seen_by="trail",
        grave=True,
    ),
    EventKind(
        kind="tenant.many_locks",
        trail="five accounts of a tenant were locked within an hour, because their attempts were used up",
        seen_by="trail",
        alarm=Alarm(
            headline="Many accounts were locked",
            happened="Five accounts of {service} were locked within an hour, because their attempts were used up.",
            advice=(
                "Somebody may know the passwords of these people and be guessing codes. Ask them, and have their passwords "
                "changed."
            ),
        ),
    ),
    EventKind(
        kind="audit.released",
        trail="a legal hold of the trail was released",
        seen_by="trail",
        grave=True,
    ),
    EventKind(
        kind="audit.unreadable",
        trail="a line of the trail is damaged and cannot be read",
        seen_by="trail",
        alarm=Alarm(
            headline="An entry in the audit trail is damaged",
            happened="One entry in the audit trail of {service} can’t be read. All others are shown as before.",
            advice=(
                "A disk may be failing, or somebody may have changed the store. Verify the trail: mfa-gate audit "
                "verify."
            ),
            details=("place",),
            from_trail=True,
        ),
    ),
    EventKind(
        kind="audit.prune_held",
        trail="lines were not removed, because too many would have gone at once: the clock may be wrong",
        seen_by="trail",
        alarm=Alarm(
            headline="Old entries in the audit trail were not removed",
            happened="Many days of the audit trail of {service} would have been removed at once, so nothing was.",
            advice=(
                "A server’s clock may be wrong. If it’s right, an operator can remove them with the command mfa-gate "
                "audit prune."
            ),
            details=("days",),
        ),
    ),
)
