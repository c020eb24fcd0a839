"""The acts about break-glass grants, one row an act."""

from __future__ import annotations

from ...core.changes import break_glass
from .action import Action

ROWS = (
    Action(
        name="break-glass",
        right="reset",
        step=lambda account, given: break_glass.ask(
            account,
            given.moment,
            by=given.by,
            reason=given.reason,
            ticket=given.ticket,
            hours=given.hours,
        ),
        fields=("ticket", "hours", "reason"),
        place="/break-glass",
        command=("break-glass", "ask"),
        summary="Ask for a break-glass grant. It opens nothing until somebody else confirms.",
        help="ask for it; it opens nothing yet",
        done="asked for (reference {ref}); a second person confirms within an hour, until then nothing is open",
        tone="danger",
        offered=lambda shown: shown.grant is None and shown.lock is None,
        tells=("ref",),
        by_person=True,
    ),
    Action(
        name="confirm",
        right="reset",
        step=lambda account, given: break_glass.confirm(
            account, given.moment, by=given.by, ref=given.ref, reason=given.reason
        ),
        fields=("ref",),
        place="/break-glass/confirm",
        command=("break-glass", "confirm"),
        summary="Confirm a break-glass grant as a second administrator; ref is the request that was read.",
        help="confirm what somebody else asked for within the hour",
        done="{key} gets in without a second step until {ends_at}",
        tone="danger",
        offered=lambda shown: shown.grant is not None and not shown.grant.ends_at and not shown.grant.own,
        tells=("ends_at",),
        by_person=True,
    ),
    Action(
        name="revoke",
        right="reset",
        step=lambda account, given: break_glass.revoke(account, given.moment, reason=given.reason),
        fields=("reason",),
        place="/break-glass/revoke",
        command=("break-glass", "revoke"),
        summary="End a break-glass grant, or take the request back.",
        help="end it, or take the request back",
        done="there is no break-glass grant for {key} any more",
        tone="secondary",
        offered=lambda shown: shown.grant is not None,
    ),
)
