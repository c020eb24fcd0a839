"""The events of a tenant: what it spends, its settings, its administrators, its trail."""

from __future__ import annotations

from .kind import Alarm, EventKind, Words

ROWS = (
    EventKind(
        kind="sends.cap_near",
        trail="a tenant's texts and calls have nearly cost what the policy allows in a day",
        seen_by="trail",
        alarm=Alarm(
            headline="Text messages and calls are near the cap of the day",
            happened="Text messages and calls of {service} have nearly cost what the policy allows in a day.",
            advice="At the cap none goes out until the next day (UTC); other ways to confirm go on. Look who asks for them.",
            details=("spent", "cap"),
        ),
    ),
    EventKind(
        kind="sends.cap_reached",
        trail="a tenant's texts and calls have cost what the policy allows in a day; none goes out until the next",
        seen_by="trail",
        alarm=Alarm(
            headline="Text messages and calls have stopped for today",
            happened="Text messages and calls of {service} have cost what the policy allows in a day.",
            advice="None goes out until the next day (UTC); other ways to confirm go on. Look who asked for them.",
            details=("spent", "cap"),
        ),
    ),
    EventKind(
        kind="sends.unanswered",
        trail="few of a tenant's texts and calls of the day were answered",
        seen_by="trail",
        alarm=Alarm(
            headline="Many codes are asked for and few are used",
            happened="Few of the text messages and calls of {service} were answered today.",
            advice="Somebody may have them sent to make money of them, or the provider does not deliver. "
            "Look who asks for them.",
            details=("asked", "answered"),
        ),
    ),
    EventKind(
        kind="tenant.enabled",
        trail="the second factor was turned on for the tenant",
        seen_by="trail",
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
        desk=Words("An administrator's action was refused"),
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
            headline="A line of the audit trail is damaged",
            happened="The audit trail of {service} has a line that cannot be read. All other lines are shown as before.",
            advice="A disk may fail, or somebody may have changed the store. "
            "Have the trail verified: mfa-gate audit verify.",
            details=("place",),
            from_trail=True,
        ),
    ),
    EventKind(
        kind="audit.prune_held",
        trail="lines were not removed, because too many would have gone at once: the clock may be wrong",
        seen_by="trail",
        alarm=Alarm(
            headline="Old lines of the audit trail were not removed",
            happened="Many days of the audit trail of {service} would have gone at once, so nothing was removed.",
            advice="The clock of a server may be wrong. If it is right, an operator removes them with the command "
            "mfa-gate audit prune.",
            details=("days",),
        ),
    ),
)
