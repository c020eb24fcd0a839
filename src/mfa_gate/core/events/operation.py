"""The events of running the gate: faults, clocks, keys, and work on the store."""

from __future__ import annotations

from .kind import Alarm, EventKind, Words

ROWS = (
    EventKind(
        kind="decision.report",
        trail="report-only of older releases: a request would have been interrupted",
        seen_by="desk",
        desk=Words("A request would have been interrupted"),
    ),
    EventKind(
        kind="gate.fault",
        trail="a request was refused because something failed",
        seen_by="trail",
    ),
    EventKind(
        kind="gate.tripwire",
        trail="the app saw a user in a request that the gate saw as anonymous",
        seen_by="trail",
    ),
    EventKind(
        kind="clock.suspect",
        trail="the clock of a server may be wrong: many people are off by the same time, an account is ahead, or the store's clock "
        "shows another time",
        seen_by="trail",
        alarm=Alarm(
            headline="A server’s clock may be wrong",
            happened="Codes or accounts of {service} don’t match a server’s clock.",
            advice=(
                "Compare the clocks of all servers and correct the wrong one. An account used while a clock ran fast "
                "is put right when you reset it."
            ),
            details=("seconds", "people"),
        ),
    ),
    EventKind(
        kind="audit.altered",
        trail="the trail was altered behind the back of the gate; the line is named",
        seen_by="trail",
        alarm=Alarm(
            headline="The audit trail was altered",
            happened="Entries in the audit trail of {service} were changed or removed in the store.",
            advice=(
                "Find out who can write to the store. mfa-gate audit verify names the first entry; compare it with "
                "heads that were kept elsewhere."
            ),
            details=("line", "found"),
        ),
        grave=True,
    ),
    EventKind(
        kind="audit.accepted",
        trail="an operator has looked at a fault of the trail, and had it signed as it stands; the line is named",
        seen_by="trail",
        grave=True,
    ),
    EventKind(
        kind="audit.head",
        trail="the signed head of a trail that has grown, once an hour; told to the log and the hook, never written",
        seen_by="trail",
    ),
    EventKind(
        kind="audit.erased",
        trail="a person was erased from the lines before; a pseudonym stands there, and the trail still verifies",
        seen_by="trail",
        grave=True,
    ),
    EventKind(
        kind="keys.rotated",
        trail="secrets were sealed anew under the newest key: a line with the first account, and one with their number at the end",
        seen_by="trail",
        grave=True,
    ),
    EventKind(
        kind="store.imported",
        trail="accounts, a tenant's settings or its trail were imported",
        seen_by="trail",
    ),
    EventKind(
        kind="policy.loaded",
        trail="a policy came into force",
        seen_by="trail",
    ),
    EventKind(
        kind="policy.loosened",
        trail="a policy came into force that lets more pass than the one before",
        seen_by="trail",
        alarm=Alarm(
            headline="The two-step sign-in policy is looser",
            happened="{service} now has a policy that lets more through than the one before.",
            advice=(
                "If this wasn’t intended, put the old file back. mfa-gate policy history names both, mfa-gate policy "
                "show prints them."
            ),
            details=("name", "digest", "by", "looser", "changes"),
        ),
        grave=True,
    ),
    EventKind(
        kind="policy.refused",
        trail="a policy was not loaded, because it has faults or waits for approvals; the one before stays in force",
        seen_by="trail",
    ),
    EventKind(
        kind="policy.approved",
        trail="a person approved a policy that is looser",
        seen_by="trail",
        grave=True,
    ),
    EventKind(
        kind="policy.differs",
        trail="workers over this store work with different policies",
        seen_by="trail",
        alarm=Alarm(
            headline="Two policies for two-step sign-in are in force",
            happened="Workers or applications of {service} share one store but use different policies.",
            advice="Roll out one policy file everywhere, and restart or reload every worker.",
            details=("policies",),
        ),
    ),
    EventKind(
        kind="offline.action",
        trail="the operator acted on the store directly",
        seen_by="trail",
    ),
)
